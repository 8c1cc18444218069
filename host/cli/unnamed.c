#if defined(__linux__) && !defined(_GNU_SOURCE)
/* The name is glibc's. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming) */
#define _GNU_SOURCE /* O_TMPFILE, AT_EMPTY_PATH */
#endif
#include "host/cli/unnamed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#if defined(O_TMPFILE) && defined(AT_EMPTY_PATH)

int unnamed_create(int dir)
{
    return openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Tries both ways of open(2). The first needs /proc. The second does not, but before Linux 6.10 it
 * needs CAP_DAC_READ_SEARCH. */
bool unnamed_link(int fd, int dir, const char *name)
{
    char own[40];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, own, dir, name, AT_SYMLINK_FOLLOW) == 0)
        return true;
    return errno != EEXIST && linkat(fd, "", dir, name, AT_EMPTY_PATH) == 0;
}

#else

int unnamed_create(int dir)
{
    (void)dir;
    errno = ENOTSUP;
    return -1;
}

bool unnamed_link(int fd, int dir, const char *name)
{
    (void)fd;
    (void)dir;
    (void)name;
    errno = ENOTSUP;
    return false;
}

#endif
