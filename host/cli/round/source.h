/* A file that parameters are read from. */
#ifndef PARSEAL_HOST_CLI_ROUND_SOURCE_H
#define PARSEAL_HOST_CLI_ROUND_SOURCE_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "host/cli/cli.h"

/* The most bytes that the format of safetensors allows its header. An index gets the same. */
#define SOURCE_TEXT_MAX UINT64_C(100000000)

typedef struct {
    FILE *file;
    uint64_t size;
    const char *path; /* the caller's path, for messages */
    dev_t device;
    ino_t inode;
} source;

typedef enum { SOURCE_FOLLOW, SOURCE_NO_LINK } source_links;

/* Opens a regular file. Anything else, even a FIFO without a writer, is CLI_USAGE at once. `name`
 * is looked up in the folder of the descriptor `folder` (AT_FDCWD: the current one). */
int source_open(source *s, int folder, const char *name, source_links links, const char *path,
                cli_failure *failure);
void source_close(source *s);

int source_seek(const source *s, uint64_t offset, cli_failure *failure);
int source_read(const source *s, void *bytes, size_t size, cli_failure *failure);

/* Reads the next `size` bytes, at most SOURCE_TEXT_MAX, into memory that the caller frees. */
int source_read_text(const source *s, uint64_t size, char **text, cli_failure *failure);

#endif
