#include "host/cli/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

static bool was_closed[3];

/* The limit alone does not hold where the kernel hands cores to a program (core(5)); a process that
 * is not dumpable has none, and no other process of the same user reads its memory. Neither may be
 * allowed here; the work goes on without. */
static void forbid_cores(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
#if defined(__linux__)
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* Opens a folder, or else /dev/null, under the number. A folder refuses reads and writes even where
 * /dev/stdin or /dev/stdout opens it again, which /dev/null would not. */
static bool occupy(int fd)
{
    return open("/", O_RDONLY | O_DIRECTORY) == fd || open("/dev/null", O_RDONLY) == fd;
}

bool process_begin(void)
{
    forbid_cores();
    for (int fd = 0; fd <= 2; fd++) {
        was_closed[fd] = fcntl(fd, F_GETFD) < 0;
        if (was_closed[fd] && !occupy(fd))
            return false;
    }
    return true;
}

/* Returns true when fd is open in a mode other than `wrong`, else false with errno set. */
static bool is_open(int fd, int wrong)
{
    if (fd >= 0 && fd <= 2 && was_closed[fd]) {
        errno = EBADF;
        return false;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) == wrong) {
        errno = EBADF;
        return false;
    }
    return flags >= 0;
}

bool process_can_read(int fd)
{
    return is_open(fd, O_WRONLY);
}

bool process_can_write(int fd)
{
    return is_open(fd, O_RDONLY);
}
