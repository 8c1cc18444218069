/* Takes the place of host/cli/unnamed.c in a second build of the command, for what cannot be had at
 * will. By the variable PARSEAL_TEST_UNNAMED:
 *   not set    there are no files without a name
 *   nameless   there are, but they cannot be given one, as where a sandbox forbids linkat
 *   killed     there are, and who gives one a name beside another file dies at once */
#define unnamed_create real_create
#define unnamed_link   real_link
#include "host/cli/unnamed.c" /* first: it asks for more than POSIX from the headers */
#undef unnamed_create
#undef unnamed_link

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int unnamed_create(int dir);
bool unnamed_link(int fd, int dir, const char *name);

static bool is_set(const char *how)
{
    const char *value = getenv("PARSEAL_TEST_UNNAMED");
    return value != NULL && strcmp(value, how) == 0;
}

int unnamed_create(int dir)
{
    if (is_set("nameless") || is_set("killed"))
        return real_create(dir);
    errno = EOPNOTSUPP;
    return -1;
}

bool unnamed_link(int fd, int dir, const char *name)
{
    if (is_set("nameless")) {
        errno = EPERM;
        return false;
    }
    bool linked = real_link(fd, dir, name);
    const int reason = errno;
    if (linked && is_set("killed") && strstr(name, ".parseal-") != NULL)
        raise(SIGKILL);
    errno = reason;
    return linked;
}
