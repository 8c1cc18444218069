#include "host/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/fd.h"
#include "host/cli/process.h"

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

/* Returns the file itself where path is a link to it, else path. The caller frees it. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : strdup(path);
}

/* Returns the folder that path is in. The caller frees it. */
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

/* Checks that the folder of this file, behind all links, takes new files. */
static int check_folder(const char *option, const char *path, cli_failure *failure)
{
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

int output_check_stdout(const char *what, cli_failure *failure)
{
    if (process_can_write(STDOUT_FILENO))
        return CLI_OK;
    return cli_fail(failure, CLI_USAGE, "%s: standard output is closed, or not open for writing",
                    what);
}

int output_check(const char *option, const char *path, cli_failure *failure)
{
    struct stat status;
    if (path[0] == '\0')
        return cli_fail(failure, CLI_USAGE, "%s: the file's name is empty", option);
    if (output_is_stdout(path))
        return output_check_stdout(option, failure);
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return cli_fail(failure, CLI_USAGE, "%s %.200s: is a directory", option, path);
        if (!S_ISREG(status.st_mode))
            return CLI_OK;
    } else if (errno != ENOENT) { /* No file can have this name, if it is too long, say. */
        return cli_fail(failure, CLI_USAGE, "%s %.200s: %s", option, path, strerror(errno));
    }
    if (is_link_to_nothing(path))
        return cli_fail(failure, CLI_USAGE, "%s %.200s: is a link to nothing", option, path);
    return check_folder(option, path, failure);
}

/* ----------------------------------------------------------------------------------- output -- */

static int fail(const output *o, int reason, cli_failure *failure)
{
    return cli_fail(failure, CLI_FAILED, "%.200s: %s", o->name, strerror(reason));
}

/* Returns false with errno set. */
static bool begin_file(output *o, const char *path, mode_t mode)
{
    char *real = resolve(path);
    if (real == NULL)
        return false;
    o->is_file = unfinished_begin(&o->file, real, mode);
    o->fd = o->file.fd;
    const int reason = errno;
    free(real);
    errno = reason;
    return o->is_file;
}

int output_begin(output *o, const char *path, mode_t mode, cli_failure *failure)
{
    *o = (output){.name = path, .fd = -1};
    if (output_is_stdout(path)) {
        o->name = "standard output";
        o->fd = STDOUT_FILENO;
    } else if (is_special(path)) {
        do
            o->fd = open(path, O_WRONLY | O_CLOEXEC);
        while (o->fd < 0 && errno == EINTR);
    } else if (!begin_file(o, path, mode)) {
        return fail(o, errno, failure);
    }
    return o->fd >= 0 ? CLI_OK : fail(o, errno, failure);
}

int output_write(output *o, const void *bytes, size_t size, cli_failure *failure)
{
    return fd_write_all(o->fd, bytes, size) ? CLI_OK : fail(o, errno, failure);
}

static int commit_file(output *o, cli_failure *failure)
{
    if (!unfinished_publish(&o->file))
        return fail(o, errno, failure);
    if (!unfinished_sync_name(&o->file))
        return cli_fail(failure, CLI_FAILED,
                        "%.200s: is in place, but whether its name is on the disk is unknown: %s",
                        o->name, strerror(errno));
    return CLI_OK;
}

int output_commit(output *o, cli_failure *failure)
{
    int code = CLI_OK;
    if (o->is_file) {
        code = commit_file(o, failure);
    } else if (o->fd != STDOUT_FILENO) {
        /* After EINTR the descriptor is closed all the same: close(2). */
        if (close(o->fd) != 0 && errno != EINTR)
            code = fail(o, errno, failure);
        o->fd = -1;
    }
    output_abandon(o);
    return code;
}

void output_abandon(output *o)
{
    if (o->is_file)
        unfinished_end(&o->file);
    else if (o->fd >= 0 && o->fd != STDOUT_FILENO)
        close(o->fd);
    o->is_file = false;
    o->fd = -1;
}

bool output_is_stream(const output *o)
{
    return !o->is_file;
}
