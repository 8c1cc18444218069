#include "host/cli/round/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const source *s, const char *reason, cli_failure *failure)
{
    return cli_fail(failure, CLI_USAGE, "%.200s: %s", s->path, reason);
}

int source_open(source *s, int folder, const char *name, source_links links, const char *path,
                cli_failure *failure)
{
    /* With O_NONBLOCK a FIFO opens at once, and is then refused. Regular files do not heed it. */
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat status;

    s->file = NULL;
    s->path = path;
    const int fd = openat(folder, name, links == SOURCE_FOLLOW ? flags : flags | O_NOFOLLOW);
    if (fd < 0 && links == SOURCE_NO_LINK && errno == ELOOP)
        return fail(s, "is a symbolic link; a shard must be a file of the index's own folder",
                    failure);
    if (fd < 0)
        return fail(s, strerror(errno), failure);

    int code = CLI_OK;
    const bool known = fstat(fd, &status) == 0;
    if (known && !S_ISREG(status.st_mode))
        code = fail(s, "not a regular file", failure);
    else if (!known || (s->file = fdopen(fd, "rb")) == NULL)
        code = fail(s, strerror(errno), failure);
    if (code != CLI_OK) {
        close(fd);
        return code;
    }
    s->size = (uint64_t)status.st_size;
    s->device = status.st_dev;
    s->inode = status.st_ino;
    return CLI_OK;
}

void source_close(source *s)
{
    if (s->file != NULL)
        fclose(s->file);
    s->file = NULL;
}

int source_seek(const source *s, uint64_t offset, cli_failure *failure)
{
    return fseeko(s->file, (off_t)offset, SEEK_SET) == 0 ? CLI_OK
                                                         : fail(s, strerror(errno), failure);
}

int source_read(const source *s, void *bytes, size_t size, cli_failure *failure)
{
    if (fread(bytes, 1, size, s->file) == size)
        return CLI_OK;
    return fail(s, ferror(s->file) ? strerror(errno) : "the file ends too early", failure);
}

int source_read_text(const source *s, uint64_t size, char **text, cli_failure *failure)
{
    *text = size <= SOURCE_TEXT_MAX ? malloc(size != 0 ? (size_t)size : 1) : NULL;
    if (*text == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for %llu bytes of %.200s",
                        (unsigned long long)size, s->path);
    const int code = source_read(s, *text, (size_t)size, failure);
    if (code != CLI_OK) {
        free(*text);
        *text = NULL;
    }
    return code;
}
