/* Writing a JSON document to a file: all of it or none. */
#ifndef PARSEAL_HOST_CLI_JSON_FILE_H
#define PARSEAL_HOST_CLI_JSON_FILE_H

#include <jansson.h>
#include <stdbool.h>

#include "host/cli/cli.h"

/* Returns true when path stands for standard output. */
bool json_file_is_stdout(const char *path);

/* Finds out whether path can be written before hours of work depend on it: CLI_USAGE if not. */
int json_file_check(const char *path, cli_failure *failure);

/* Writes json to path ("-": standard output). A regular file appears or is replaced in one step. */
int json_file_write(const char *path, const json_t *json, cli_failure *failure);

#endif
