/* Runs the `parseal` command and keeps what it wrote. */
#ifndef TESTS_CLI_COMMAND_H
#define TESTS_CLI_COMMAND_H

#include <jansson.h>
#include <stdbool.h>

enum { COMMAND_ARGS_MAX = 24 };

typedef struct {
    int code;  /* the exit status; 128 + the signal when there was one */
    char *out; /* to be freed with command_free */
    char *err;
} command_result;

/* args: what follows the command's name, words parted by single blanks. */
command_result command_run(const char *args);

/* The same, args first, then more words that may hold blanks, up to a NULL. */
command_result command_run_with(const char *args, const char *const more[]);

/* The path of the command; named: as it is where files without a name cannot be made
 * (seam_unnamed.c). */
const char *command_path(bool named);

/* Runs a script of /bin/sh in the folder `in`, with $PARSEAL and $NAMED for these two. */
command_result command_shell(const char *script, const char *in);

void command_free(command_result *result);

/* It failed with this code, one line on stderr that begins with "parseal: " and holds `text`, and
 * nothing on stdout. Frees the result. */
void assert_refused(command_result *result, int code, const char *text);

/* Runs `round ARGS --json -`, which must end with exit status 0, and returns the JSON. */
json_t *command_round(const char *args);

/* A member of an object within an object. */
json_t *json_member(const json_t *json, const char *object, const char *member);

#endif
