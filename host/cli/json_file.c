#include "json_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool json_file_is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* Terminals, pipes and /dev/stdout are written to as they are: a rename would replace them. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* The file itself where path is a link to it, and otherwise path. To be freed. */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL);
    return real != NULL ? real : strdup(path);
}

int json_file_check(const char *path, cli_failure *failure)
{
    struct stat status;
    if (json_file_is_stdout(path))
        return CLI_OK;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return cli_fail(failure, CLI_USAGE, "--json %.200s: is a directory", path);
    if (is_special(path))
        return CLI_OK;
    char *folder = resolve(path);
    if (folder == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for a file name");
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder ? 1 : 0] = '\0';
    int reachable = access(slash != NULL ? folder : ".", W_OK | X_OK);
    int reason = errno;
    free(folder);
    return reachable == 0
               ? CLI_OK
               : cli_fail(failure, CLI_USAGE, "--json %.200s: %s", path, strerror(reason));
}

static bool dump(const json_t *json, FILE *file)
{
    return json_dumpf(json, file, JSON_INDENT(2)) == 0 && fputc('\n', file) != EOF &&
           fflush(file) == 0;
}

/* Writes to a new file beside `path`, then gives it that name. False with errno set. */
static bool replace(const char *path, char *beside, const json_t *json)
{
    int fd = mkstemp(beside);
    if (fd < 0)
        return false;
    mode_t mask = umask(0);
    umask(mask);
    FILE *file = fdopen(fd, "w");
    bool written =
        file != NULL && fchmod(fd, 0666 & ~mask) == 0 && dump(json, file) && fsync(fd) == 0;
    int reason = errno;
    if (file != NULL ? fclose(file) != 0 && written : close(fd) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(beside, path) == 0)
        return true;
    reason = written ? errno : reason;
    unlink(beside);
    errno = reason;
    return false;
}

static bool replace_file(const char *path, const json_t *json)
{
    static const char suffix[] = ".XXXXXX";
    char *real = resolve(path);
    size_t size = real != NULL ? strlen(real) + sizeof suffix : 0;
    char *beside = real != NULL ? malloc(size) : NULL;
    bool done = false;
    if (beside != NULL) {
        snprintf(beside, size, "%s%s", real, suffix);
        done = replace(real, beside, json);
    }
    int reason = errno;
    free(beside);
    free(real);
    errno = reason;
    return done;
}

static bool write_special(const char *path, const json_t *json)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool written = dump(json, file);
    return fclose(file) == 0 && written;
}

int json_file_write(const char *path, const json_t *json, cli_failure *failure)
{
    bool written;
    if (json_file_is_stdout(path))
        written = dump(json, stdout);
    else if (is_special(path))
        written = write_special(path, json);
    else
        written = replace_file(path, json);
    if (written)
        return CLI_OK;
    return cli_fail(failure, CLI_FAILED, "%.200s: %s", path, strerror(errno));
}
