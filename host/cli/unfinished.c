#if defined(__linux__) && !defined(_GNU_SOURCE)
/* The name is glibc's. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming) */
#define _GNU_SOURCE /* O_PATH */
#endif
#include "host/cli/unfinished.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/fd.h"
#include "host/cli/signals.h"
#include "host/cli/unnamed.h"

enum { SHOWN_MAX = 100, HASH_BYTES = 8, PLACES = 16 };

/* With O_PATH a folder that may be searched but not listed can be written into, too. */
#if defined(O_PATH)
enum { SEARCH = O_PATH };
#elif defined(O_SEARCH)
enum { SEARCH = O_SEARCH };
#else
enum { SEARCH = O_RDONLY };
#endif

/* ------------------------------------------------------------------------------------ names -- */

/* Stores the last component of path in u->name, and opens the folder. */
static bool open_folder(unfinished *u, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL   ? strdup(".")
                   : slash == path ? strdup("/")
                                   : strndup(path, (size_t)(slash - path));
    u->name = strdup(slash != NULL ? slash + 1 : path);
    if (folder == NULL || u->name == NULL)
        errno = ENOMEM;
    else if (u->name[0] == '\0')
        errno = EISDIR;
    else
        u->dir = open(folder, SEARCH | O_DIRECTORY | O_CLOEXEC);
    const int reason = errno;
    free(folder);
    errno = reason;
    return u->dir >= 0;
}

/* Writes place n for u->name. It begins like the name, so that a file system that refuses one of
 * its characters refuses the place, too. The cut does not go through a UTF-8 character. */
static void place_name(const unfinished *u, int n, char text[UNFINISHED_NAME_SIZE])
{
    unsigned char hash[crypto_generichash_BYTES_MIN];
    char hex[2 * HASH_BYTES + 1];
    size_t shown = strlen(u->name);
    crypto_generichash(hash, sizeof hash, (const unsigned char *)u->name, shown, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, HASH_BYTES);
    if (shown > SHOWN_MAX) {
        shown = SHOWN_MAX;
        while (shown > 0 && ((unsigned char)u->name[shown] & 0xc0) == 0x80)
            shown--;
    }
    snprintf(text, UNFINISHED_NAME_SIZE, "%.*s.parseal-%s-%d", (int)shown, u->name, hex, n);
}

/* ------------------------------------------------------------------- what others have left -- */

static bool is_ours(const struct stat *status)
{
    return S_ISREG(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

/* Returns true when fd is the file of this name: another run may have removed or renamed it. */
static bool is_at(int fd, int dir, const char *name)
{
    struct stat there, here;
    return fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &here) == 0 &&
           there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

static bool lock(int fd)
{
    int result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0;
}

/* Removes the file of a run that has ended without it. Returns true when the name is free now. Only
 * the holder of the lock removes or renames a file, so it is still the same file. Where there are
 * no locks, no file is removed. */
static bool remove_left(int dir, const char *name)
{
    struct stat status;
    if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    if (!is_ours(&status))
        return false;
    int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    int fd = openat(dir, name, O_RDWR | flags); /* NFS locks only files open for writing. */
    if (fd < 0 && errno == EACCES)
        fd = openat(dir, name, O_RDONLY | flags);
    if (fd < 0)
        return errno == ENOENT;
    bool removed = lock(fd) && fstat(fd, &status) == 0 && is_ours(&status) &&
                   is_at(fd, dir, name) && unlinkat(dir, name, 0) == 0;
    close(fd);
    return removed;
}

static void remove_all_left(const unfinished *u)
{
    char name[UNFINISHED_NAME_SIZE];
    for (int n = 0; n < PLACES; n++) {
        place_name(u, n, name);
        remove_left(u->dir, name);
    }
}

/* ----------------------------------------------------------------------------------- places -- */

typedef bool (*place_function)(unfinished *u);

static bool link_unnamed(unfinished *u)
{
    return unnamed_link(u->fd, u->dir, u->beside);
}

/* Makes the file and locks it. Before it has the lock, another run may take it for one that was
 * left, and remove it: then the place counts as taken. Without locks no run removes it. */
static bool create_named(unfinished *u)
{
    int fd = openat(u->dir, u->beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool locked = lock(fd);
    if ((!locked && errno == EWOULDBLOCK) || !is_at(fd, u->dir, u->beside)) {
        close(fd);
        errno = EEXIST;
        return false;
    }
    u->fd = fd;
    return true;
}

/* Takes the first place that is free. Returns false with errno set and u->beside "". */
static bool take_place(unfinished *u, place_function take)
{
    for (int n = 0; n < PLACES; n++) {
        place_name(u, n, u->beside);
        if (!remove_left(u->dir, u->beside))
            continue;
        signals_hold();
        bool taken = take(u);
        if (taken)
            signals_file(u->dir, u->beside);
        signals_release();
        if (taken)
            return true;
        if (errno != EEXIST) {
            u->beside[0] = '\0';
            return false;
        }
    }
    u->beside[0] = '\0';
    errno = EBUSY;
    return false;
}

/* Renames the file from its place to its name, or removes it. */
static bool leave_place(unfinished *u, bool published)
{
    int result = -1;
    signals_hold();
    if (!is_at(u->fd, u->dir, u->beside))
        errno = ENOENT;
    else if (published)
        result = renameat(u->dir, u->beside, u->dir, u->name);
    else
        result = unlinkat(u->dir, u->beside, 0);
    if (result == 0 || !published) {
        signals_file(-1, NULL);
        u->beside[0] = '\0';
    }
    signals_release();
    return result == 0;
}

/* --------------------------------------------------------------------------------- the file -- */

static bool set_mode(int fd, mode_t mode)
{
    const mode_t mask = umask(0);
    umask(mask);
    return fchmod(fd, mode & ~mask) == 0;
}

bool unfinished_begin(unfinished *u, const char *path, mode_t mode)
{
    *u = (unfinished){.fd = -1, .dir = -1};
    bool begun = open_folder(u, path);
    if (begun) {
        signals_catch();
        remove_all_left(u);
        u->fd = unnamed_create(u->dir);
        if (u->fd >= 0)
            lock(u->fd); /* It must have the lock as soon as it has a name. */
        else
            begun = take_place(u, create_named);
    }
    begun = begun && set_mode(u->fd, mode);
    if (!begun) {
        const int reason = errno;
        unfinished_end(u);
        errno = reason;
    }
    return begun;
}

static bool copy(int from, int to)
{
    char bytes[65536];
    ssize_t n = -1;
    if (lseek(from, 0, SEEK_SET) == 0)
        while ((n = fd_read_all(from, bytes, sizeof bytes)) > 0 &&
               fd_write_all(to, bytes, (size_t)n))
            ;
    sodium_memzero(bytes, sizeof bytes);
    return n == 0;
}

/* Copies the file to a place, so that the work is not lost where files without a name can be made
 * but not be named, as a sandbox may have it. */
static bool copy_to_place(unfinished *u)
{
    struct stat status;
    const int from = u->fd;
    bool copied = fstat(from, &status) == 0 && take_place(u, create_named);
    if (copied) {
        copied = copy(from, u->fd) && fchmod(u->fd, status.st_mode & 07777) == 0 && fd_sync(u->fd);
        const int reason = errno;
        close(from);
        errno = reason;
    }
    return copied;
}

bool unfinished_publish(unfinished *u)
{
    if (!fd_sync(u->fd))
        return false;
    if (u->beside[0] == '\0') {
        if (unnamed_link(u->fd, u->dir, u->name))
            return true;
        bool placed = errno == EEXIST && take_place(u, link_unnamed);
        if (!placed && !copy_to_place(u))
            return false;
    }
    return leave_place(u, true);
}

bool unfinished_sync_name(const unfinished *u)
{
    int fd = openat(u->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES; /* The folder may be written to, but not read. */
    bool synced = fd_sync(fd) || errno == EINVAL;
    const int reason = errno;
    close(fd);
    errno = reason;
    return synced;
}

void unfinished_end(unfinished *u)
{
    if (u->beside[0] != '\0')
        leave_place(u, false);
    if (u->fd >= 0)
        close(u->fd);
    if (u->dir >= 0)
        close(u->dir);
    free(u->name);
    *u = (unfinished){.fd = -1, .dir = -1};
}
