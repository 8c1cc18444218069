#include "bench/cpu/busy.h"

#include "bench/cpu/support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Counts until the other end of the pipe is closed, which the system does when its only owner ends,
 * also when that is killed. */
static _Noreturn void keep_busy(int pipe_end)
{
    char byte;
    for (;;) {
        for (volatile unsigned i = 0; i < 1000000; i++)
            continue;
        if (read(pipe_end, &byte, 1) == 0)
            _exit(EXIT_SUCCESS);
    }
}

static bool open_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return false;
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        return true;
    close(ends[0]);
    close(ends[1]);
    return false;
}

bool busy_start(struct busy *busy, unsigned n)
{
    int ends[2];
    *busy = (struct busy){.id = calloc(n, sizeof *busy->id), .end = -1};
    if (busy->id == NULL || !open_pipe(ends)) {
        complain("busy processes: neither memory nor a pipe for them");
        busy_stop(busy);
        return false;
    }
    busy->end = ends[1];
    while (busy->n < n) {
        const pid_t id = fork();
        if (id == 0) {
            close(ends[1]);
            keep_busy(ends[0]);
        }
        if (id < 0)
            break;
        busy->id[busy->n++] = id;
    }
    close(ends[0]);
    if (busy->n == n)
        return true;
    complain("busy processes: the system starts no more than %u", busy->n);
    busy_stop(busy);
    return false;
}

void busy_stop(struct busy *busy)
{
    for (unsigned i = 0; i < busy->n; i++)
        (void)kill(busy->id[i], SIGKILL);
    if (busy->end >= 0)
        close(busy->end);
    for (unsigned i = 0; i < busy->n; i++)
        while (waitpid(busy->id[i], NULL, 0) < 0 && errno == EINTR)
            continue;
    free(busy->id);
    *busy = (struct busy){.end = -1};
}
