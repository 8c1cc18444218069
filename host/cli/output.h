/* Output files that appear under their name as a whole or not at all. */
#ifndef PARSEAL_HOST_CLI_OUTPUT_H
#define PARSEAL_HOST_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "host/cli/cli.h"
#include "host/cli/unfinished.h"

/* One file at a time may be under way: a signal that ends the process leaves nothing of it. */
typedef struct {
    const char *name; /* the caller's */
    int fd;
    bool is_file;    /* false: standard output, a pipe or a device, which are written as the bytes
                        come */
    unfinished file; /* where is_file */
} output;

/* Whether path stands for standard output. */
bool output_is_stdout(const char *path);

/* Finds out whether path can be written before hours of work depend on it: CLI_USAGE if not, naming
 * the option. */
int output_check(const char *option, const char *path, cli_failure *failure);

/* The same for `what` is to go to standard output: CLI_USAGE where the caller has closed it. */
int output_check_stdout(const char *what, cli_failure *failure);

/* The file will have what the umask leaves of `mode`. A link stays: what it points to is replaced.
 * path and *o must stay as they are until the end. */
int output_begin(output *o, const char *path, mode_t mode, cli_failure *failure);
int output_write(output *o, const void *bytes, size_t size, cli_failure *failure);

/* The output is complete: the file is on the disk, and then has its name. Ends the output, also
 * where it fails; then nothing is under its name, unless the text says that it is in place. */
int output_commit(output *o, cli_failure *failure);

/* Ends the output with nothing under its name; harmless after output_commit. */
void output_abandon(output *o);

/* Whether bytes are out of our hands as soon as they are written. */
bool output_is_stream(const output *o);

#endif
