/* The options of `parseal seal`, `open` and `rekey`. */
#ifndef PARSEAL_HOST_CLI_SEALED_SEALED_OPTIONS_H
#define PARSEAL_HOST_CLI_SEALED_SEALED_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/cli/sealed/key.h"

enum { SEALED_AAD_MAX = 1 << 20 };

typedef struct {
    bool help;
    const char *in, *out; /* "-": standard input and output */
    key_source key;
    key_source new_key; /* for rekey */
    const char *aad_text, *aad_file;
    uint32_t segment_size;
    int32_t backend;
    uint32_t threads;
} sealed_options;

/* Reads argv, where argv[0] is the command. With help set, the other fields are not complete. */
int sealed_options_parse(sealed_options *options, int argc, char **argv, cli_failure *failure);

void sealed_options_usage(const char *command);

#endif
