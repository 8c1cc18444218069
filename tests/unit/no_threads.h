/* The system starts no thread while it is told so. Linked with --wrap=pthread_create. */
#ifndef PARSEAL_TESTS_NO_THREADS_H
#define PARSEAL_TESTS_NO_THREADS_H

#include <stdbool.h>

/* From now on, or no longer. */
void no_threads(bool refuse);

/* Returns how many have been refused, ever. */
unsigned threads_refused(void);

#endif
