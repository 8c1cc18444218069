/* The exit codes of `parseal`, and the way in which a failure of a command travels to main, which
 * prints it once. */
#ifndef PARSEAL_HOST_CLI_CLI_H
#define PARSEAL_HOST_CLI_CLI_H

#include <stdbool.h>

#include "parseal/parseal.h"

enum {
    CLI_OK = 0,
    CLI_FAILED = 1, /* the work was tried and failed */
    CLI_USAGE = 2,  /* bad usage, or a bad input file */
    CLI_FORGED = 3  /* a sealed file is not authentic, or not complete */
};

typedef struct {
    int code; /* CLI_* */
    char text[1024];
} cli_failure;

#if defined(__GNUC__)
#define CLI_PRINTF(text, values) __attribute__((format(printf, text, values)))
#else
#define CLI_PRINTF(text, values)
#endif

/* Fills *failure with one printable line and returns code. */
int cli_fail(cli_failure *failure, int code, const char *format, ...) CLI_PRINTF(3, 4);

/* Fills *failure after a library call that failed while `doing` something. Returns CLI_FAILED. */
int cli_fail_library(cli_failure *failure, const char *doing, parseal_status status);

/* Writes the failure's line to standard error. */
void cli_complain(const cli_failure *failure);

/* Writes a line to standard error that is not an error. */
void cli_note(const char *format, ...) CLI_PRINTF(1, 2);

/* Writes a line or a part of one to standard output, also into a non-blocking pipe. It is made
 * printable (host/cli/printable.h). Only the format's own '\n', at its ends, break lines. */
void cli_print(const char *format, ...) CLI_PRINTF(1, 2);

/* Writes a text of the program's own, unchanged. */
void cli_print_text(const char *text);

/* Returns true when all that was printed has been written. */
bool cli_printed(void);

/* Returns seconds on a clock that never goes back. */
double cli_now(void);

/* The commands: argv[0] is the command's name. Each returns CLI_*, with *failure filled unless it
 * is CLI_OK. */
int devices_main(int argc, char **argv, cli_failure *failure);
int selftest_main(int argc, char **argv, cli_failure *failure);
int round_main(int argc, char **argv, cli_failure *failure);
int seal_main(int argc, char **argv, cli_failure *failure);
int open_main(int argc, char **argv, cli_failure *failure);
int rekey_main(int argc, char **argv, cli_failure *failure);

#endif
