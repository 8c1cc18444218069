/* Reading options and the values that they take. */
#ifndef PARSEAL_HOST_CLI_ARGS_H
#define PARSEAL_HOST_CLI_ARGS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/cli/cli.h"

enum { ARGS_END = -1, ARGS_BAD = '?', ARGS_OPERAND = 1 };

/* Must be called before the first args_next of an argv. */
void args_begin(void);

/* Returns the next option's `val`, with its value in optarg; ARGS_END after the last; ARGS_BAD with
 * *failure filled for an unknown option, a missing value or an operand. */
int args_next(int argc, char **argv, const struct option *options, cli_failure *failure);

/* Does the same for a command that takes operands, before, between and after its options, and -o
 * with a value. It returns ARGS_OPERAND for each operand, which is in optarg. */
int args_next_or_operand(int argc, char **argv, const struct option *options, cli_failure *failure);

/* Reads the options of a command that has only --help. *help becomes true where it was given, and
 * usage was printed. */
int args_help_only(int argc, char **argv, const char *usage, bool *help, cli_failure *failure);

/* The following read values. `name` is the option's, for the message. */
int args_u64(const char *name, const char *text, uint64_t low, uint64_t high, uint64_t *value,
             cli_failure *failure);
int args_double(const char *name, const char *text, double *value, cli_failure *failure);

/* Reads a modulus from 2 to 2^64, decimal or 2^K; 2^64 is stored as 0. */
int args_modulus(const char *name, const char *text, uint64_t *modulus, cli_failure *failure);

/* Reads 64 hexadecimal digits, or an integer that is stored in the first 8 bytes, little-endian. */
int args_seed(const char *name, const char *text, uint8_t seed[32], cli_failure *failure);

/* Reads auto, cpu, opencl or cuda. */
int args_backend(const char *name, const char *text, int32_t *backend, cli_failure *failure);

#endif
