#include "host/cli/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* The file, which changes only between signals_hold and signals_release. */
static int file_dir;
static const char *file_name;

/* A signal may arrive in a thread of a runtime, where signals_hold blocks none: that thread waits
 * for `held` to go, and whoever comes to signals_hold when `ending` is set waits for the end. */
static atomic_bool held, ending;
static sigset_t before;

static void remove_and_end(int number)
{
    atomic_store(&ending, true);
    while (atomic_load(&held))
        poll(NULL, 0, 1);
    if (file_name != NULL)
        unlinkat(file_dir, file_name, 0);
    raise(number); /* With SA_RESETHAND it ends the process this time. */
}

/* Returns true when the signal ends the process by default, and can be caught: signal(7). */
static bool ends_process(int number)
{
    switch (number) {
    case SIGKILL:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGCONT:
    case SIGCHLD:
    case SIGURG:
#if defined(SIGWINCH)
    case SIGWINCH:
#endif
#if defined(SIGINFO)
    case SIGINFO:
#endif
        return false;
    default:
        return true;
    }
}

static bool ends_for_users(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

void signals_catch(void)
{
#if defined(SIGRTMAX)
    const int last = SIGRTMAX;
#else
    const int last = NSIG - 1;
#endif
    for (int number = 1; number <= last; number++) {
        struct sigaction now;
        if (!ends_process(number) || sigaction(number, NULL, &now) != 0)
            continue;
        const bool is_default = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
        const bool is_ignored = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_IGN;
        if (!is_default && (is_ignored || !ends_for_users(number)))
            continue;
        memset(&now, 0, sizeof now);
        now.sa_handler = remove_and_end;
        now.sa_flags = (int)SA_RESETHAND;
        sigfillset(&now.sa_mask);
        sigaction(number, &now, NULL);
    }
}

void signals_hold(void)
{
    const int reason = errno;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_store(&held, true);
    if (atomic_load(&ending)) {
        atomic_store(&held, false);
        for (;;)
            pause();
    }
    errno = reason;
}

void signals_release(void)
{
    const int reason = errno;
    atomic_store(&held, false);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
}

void signals_file(int dir, const char *name)
{
    file_dir = dir;
    file_name = name;
}
