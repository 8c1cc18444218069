/* Keys are read from places that no other user of the machine sees, never from the command line. */
#ifndef PARSEAL_HOST_CLI_SEALED_KEY_H
#define PARSEAL_HOST_CLI_SEALED_KEY_H

#include <stdint.h>

#include "host/cli/cli.h"

enum { KEY_BYTES = 32 };

/* The source of a key, one of three. The options are called PREFIX-file, PREFIX-env and
 * PREFIX-fd. */
typedef struct {
    const char *prefix; /* "--key", say */
    const char *file;   /* NULL: not given */
    const char *env;    /* the name of an environment variable; NULL: not given */
    int fd;             /* -1: not given */
} key_source;

/* Fails with CLI_USAGE unless exactly one source was given. */
int key_source_check(const key_source *source, cli_failure *failure);

/* Reads a key of KEY_BYTES: exactly these bytes, or a text of 64 hexadecimal digits or base64, with
 * white space behind it. The environment can have only text. *key is in guarded memory, for
 * sodium_free. A file that others than its owner can read is used, and a note says so. A variable
 * is wiped and removed from the environment once it has been read. */
int key_load(uint8_t **key, const key_source *source, cli_failure *failure);

#endif
