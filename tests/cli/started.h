/* The `parseal` command while it runs: its standard input is a pipe that the test writes to, so
 * that it stands where the test wants it to. */
#ifndef TESTS_CLI_STARTED_H
#define TESTS_CLI_STARTED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* No pipe holds so much: once it has been written, a part of it has been read. */
enum { STARTED_STEP = 4 << 20 };

typedef struct {
    pid_t pid;
    int in; /* to its standard input; -1: closed */
} started;

/* args: what follows the command's name, words parted by single blanks; it runs in the tests'
 * folder. named: as of command_path. out: its standard output; -1: that of the test. in_child, if
 * not NULL, is called in the child before the command is. All signals are as the system has
 * them. */
started started_begin(bool named, const char *args, int out, void (*in_child)(void));

/* Writes to its standard input: returns when the command has taken all but what a pipe holds. */
void started_feed(const started *s, const void *bytes, size_t size);

/* Ends its input, waits, and returns what waitpid says. */
int started_end(started *s);

#endif
