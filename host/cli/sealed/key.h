/* Keys from where no other user of the machine sees them: never from the command line. */
#ifndef PARSEAL_HOST_CLI_SEALED_KEY_H
#define PARSEAL_HOST_CLI_SEALED_KEY_H

#include <stdint.h>

#include "host/cli/cli.h"

enum { KEY_BYTES = 32 };

/* Where a key comes from: one of the three. The options are called PREFIX-file, PREFIX-env and
 * PREFIX-fd. */
typedef struct {
    const char *prefix; /* "--key", say */
    const char *file;   /* NULL: not given */
    const char *env;    /* the name of an environment variable; NULL: not given */
    int fd;             /* -1: not given */
} key_source;

/* CLI_USAGE unless exactly one was given. */
int key_source_check(const key_source *source, cli_failure *failure);

/* Reads a key of KEY_BYTES: exactly these bytes, or as text 64 hexadecimal digits or base64, white
 * space behind it; text alone from the environment. *key is in guarded memory, for sodium_free. A
 * file that others than its owner can read is used, and a note says so. A variable is removed from
 * the environment, bytes and all, once it has been read. */
int key_load(uint8_t **key, const key_source *source, cli_failure *failure);

#endif
