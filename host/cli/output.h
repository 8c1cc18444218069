/* Output files that appear under their name as a whole or not at all. */
#ifndef PARSEAL_HOST_CLI_OUTPUT_H
#define PARSEAL_HOST_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "host/cli/cli.h"
#include "host/cli/unfinished.h"

/* An output under way. Only one file at a time may be: a signal that ends the process removes
 * it. */
typedef struct {
    const char *name; /* the caller's path */
    int fd;
    bool is_file;    /* false: standard output, a pipe or a device, which are written as the bytes
                        come */
    unfinished file; /* used only with is_file */
} output;

/* Returns true when path stands for standard output. */
bool output_is_stdout(const char *path);

/* Finds out whether path can be written before hours of work depend on it: CLI_USAGE if not, naming
 * the option. */
int output_check(const char *option, const char *path, cli_failure *failure);

/* Checks that standard output, where `what` is to go, is open. CLI_USAGE: the caller has closed
 * it. */
int output_check_stdout(const char *what, cli_failure *failure);

/* Begins an output. A file gets those bits of `mode` that the umask leaves. A link stays, and the
 * file that it points to is replaced. path and *o must not change until the end. */
int output_begin(output *o, const char *path, mode_t mode, cli_failure *failure);
int output_write(output *o, const void *bytes, size_t size, cli_failure *failure);

/* Ends a complete output: it puts the file on the disk and then gives it its name. After a failure
 * the output is ended, too, and no file has its name unless the text says that it is in place. */
int output_commit(output *o, cli_failure *failure);

/* Ends the output and leaves no file. It is harmless after output_commit. */
void output_abandon(output *o);

/* Returns true when written bytes cannot be taken back. */
bool output_is_stream(const output *o);

#endif
