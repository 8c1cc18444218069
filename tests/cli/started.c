#include "started.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "folder.h"
#include "host/cli/fd.h"

static void default_signals(void)
{
#if defined(SIGRTMAX)
    const int last = SIGRTMAX;
#else
    const int last = NSIG - 1;
#endif
    sigset_t none;
    for (int number = 1; number <= last; number++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        sigaction(number, &action, NULL); /* refused for some, which have no other */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become(const char *program, char *words, int in, int out, void (*in_child)(void))
{
    char *argv[COMMAND_ARGS_MAX + 2] = {(char *)(uintptr_t)program};
    size_t n = 1;
    for (char *rest, *word = strtok_r(words, " ", &rest); word != NULL && n <= COMMAND_ARGS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[n++] = word;
    if (dup2(in, STDIN_FILENO) < 0 || (out >= 0 && dup2(out, STDOUT_FILENO) < 0) ||
        chdir(folder_path(".")) != 0)
        _exit(126);
    default_signals();
    if (in_child != NULL)
        in_child();
    execv(program, argv);
    _exit(127);
}

started started_begin(bool named, const char *args, int out, void (*in_child)(void))
{
    int ends[2];
    char *words = strdup(args);
    assert_non_null(words);
    assert_int_equal(pipe(ends), 0);
    assert_int_not_equal(fcntl(ends[1], F_SETFD, FD_CLOEXEC), -1);
    started s = {fork(), ends[1]};
    assert_true(s.pid >= 0);
    if (s.pid == 0)
        become(command_path(named), words, ends[0], out, in_child);
    close(ends[0]);
    free(words);
    return s;
}

void started_feed(const started *s, const void *bytes, size_t size)
{
    assert_true(fd_write_all(s->in, bytes, size));
}

int started_end(started *s)
{
    int status;
    if (s->in >= 0)
        close(s->in);
    s->in = -1;
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    return status;
}
