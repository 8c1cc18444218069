#include "host/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------ names -- */

bool output_is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* Terminals, pipes and /dev/stdout are written to as they are: a rename would replace them. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static bool is_link_to_nothing(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISLNK(status.st_mode) && stat(path, &status) != 0;
}

/* The file itself where path is a link to it, and otherwise path. To be freed. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : strdup(path);
}

/* The folder that path is in. To be freed. */
static char *folder_of(const char *path)
{
    char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    else if (folder != NULL) {
        free(folder);
        folder = strdup(".");
    }
    return folder;
}

int output_check(const char *option, const char *path, cli_failure *failure)
{
    struct stat status;
    if (output_is_stdout(path))
        return CLI_OK;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return cli_fail(failure, CLI_USAGE, "%s %.200s: is a directory", option, path);
    if (is_special(path))
        return CLI_OK;
    if (is_link_to_nothing(path))
        return cli_fail(failure, CLI_USAGE, "%s %.200s: is a link to nothing", option, path);
    char *real = resolve(path);
    char *folder = real != NULL ? folder_of(real) : NULL;
    free(real);
    if (folder == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for a file name");
    int reachable = access(folder, W_OK | X_OK);
    int reason = errno;
    free(folder);
    return reachable == 0
               ? CLI_OK
               : cli_fail(failure, CLI_USAGE, "%s %.200s: %s", option, path, strerror(reason));
}

/* ---------------------------------------------------------------------------------- signals -- */

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
enum { ENDING = sizeof ending / sizeof ending[0] };

/* The temporary file that must not outlive the process. */
static char *volatile unfinished;

static void remove_unfinished(int number)
{
    if (unfinished != NULL)
        unlink(unfinished);
    raise(number); /* SA_RESETHAND: this time it ends the process */
}

/* Handlers that are there already (OpenCL runtimes bring some) would only end the process. */
static void catch_signals(void)
{
    for (int i = 0; i < ENDING; i++) {
        struct sigaction now;
        if (sigaction(ending[i], NULL, &now) != 0 || now.sa_handler == SIG_IGN)
            continue;
        memset(&now, 0, sizeof now);
        now.sa_handler = remove_unfinished;
        now.sa_flags = (int)SA_RESETHAND;
        sigaction(ending[i], &now, NULL);
    }
}

/* mkstemp with no moment at which a signal would leave the file. */
static int make_unfinished(char *beside)
{
    sigset_t blocked, before;
    sigemptyset(&blocked);
    for (int i = 0; i < ENDING; i++)
        sigaddset(&blocked, ending[i]);
    catch_signals();
    sigprocmask(SIG_BLOCK, &blocked, &before);
    int fd = mkstemp(beside);
    int reason = errno;
    if (fd >= 0)
        unfinished = beside;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return fd;
}

/* ----------------------------------------------------------------------------------- output -- */

static int fail(const output *o, int reason, cli_failure *failure)
{
    return cli_fail(failure, CLI_FAILED, "%.200s: %s", o->name, strerror(reason));
}

/* False with errno set. */
static bool begin_beside(output *o, mode_t mode)
{
    static const char suffix[] = ".XXXXXX";
    o->path = resolve(o->name);
    size_t size = o->path != NULL ? strlen(o->path) + sizeof suffix : 0;
    o->beside = o->path != NULL ? malloc(size) : NULL;
    if (o->beside == NULL)
        return false;
    snprintf(o->beside, size, "%s%s", o->path, suffix);
    o->fd = make_unfinished(o->beside);
    if (o->fd < 0)
        return false;
    mode_t mask = umask(0);
    umask(mask);
    return fchmod(o->fd, mode & ~mask) == 0;
}

int output_begin(output *o, const char *path, mode_t mode, cli_failure *failure)
{
    o->name = path;
    o->fd = -1;
    o->path = o->beside = NULL;
    if (output_is_stdout(path)) {
        o->name = "standard output";
        fflush(stdout);
        o->fd = STDOUT_FILENO;
    } else if (is_special(path)) {
        o->fd = open(path, O_WRONLY);
    } else if (!begin_beside(o, mode)) {
        int reason = errno;
        output_abandon(o);
        return fail(o, reason, failure);
    }
    return o->fd >= 0 ? CLI_OK : fail(o, errno, failure);
}

int output_write(output *o, const void *bytes, size_t size, cli_failure *failure)
{
    const char *rest = bytes;
    while (size > 0) {
        ssize_t n = write(o->fd, rest, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(o, errno, failure);
        rest += n;
        size -= (size_t)n;
    }
    return CLI_OK;
}

/* A name is on the disk when its folder is. File systems that cannot say so for folders are left to
 * themselves. */
static bool sync_folder(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder != NULL ? open(folder, O_RDONLY) : -1;
    int reason = errno;
    free(folder);
    if (fd < 0) {
        errno = reason;
        return reason == EACCES; /* written to, but not to be read */
    }
    bool synced = fsync(fd) == 0 || errno == EINVAL;
    reason = errno;
    close(fd);
    errno = reason;
    return synced;
}

static void release(output *o)
{
    unfinished = NULL;
    free(o->beside);
    free(o->path);
    o->path = o->beside = NULL;
    o->fd = -1;
}

int output_commit(output *o, cli_failure *failure)
{
    bool is_stdout = o->fd == STDOUT_FILENO, synced = o->path == NULL || fsync(o->fd) == 0;
    int reason = errno;
    if (!is_stdout && close(o->fd) != 0 && synced) {
        synced = false;
        reason = errno;
    }
    o->fd = -1;
    if (o->path != NULL && synced) {
        synced = rename(o->beside, o->path) == 0;
        reason = errno;
        if (synced) {
            const bool lasts = sync_folder(o->path);
            reason = errno;
            release(o);
            return lasts ? CLI_OK
                         : cli_fail(failure, CLI_FAILED,
                                    "%.200s: is in place, but whether its name is on the disk is "
                                    "unknown: %s",
                                    o->name, strerror(reason));
        }
    }
    output_abandon(o);
    return synced ? CLI_OK : fail(o, reason, failure);
}

void output_abandon(output *o)
{
    if (o->fd >= 0 && o->fd != STDOUT_FILENO)
        close(o->fd);
    if (unfinished != NULL && o->beside != NULL)
        unlink(o->beside);
    release(o);
}

bool output_is_stream(const output *o)
{
    return o->path == NULL;
}
