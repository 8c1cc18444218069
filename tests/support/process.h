/* What a suite wants to know of its process, and of children that may die. */
#ifndef PARSEAL_TESTS_PROCESS_H
#define PARSEAL_TESTS_PROCESS_H

#include <stddef.h>

/* Returns how many threads the system lists for the process, or 0 where it lists none. One that has
 * been joined may be there for a while. */
size_t threads_listed(void);

/* Calls deed(arg) in a child process, and returns the signal that ended it (SIGSEGV for SIGBUS,
 * too), or 0. Fails the test where it ended otherwise. The child leaves no core dump behind. */
int signal_of(void (*deed)(void *arg), void *arg);

#endif
