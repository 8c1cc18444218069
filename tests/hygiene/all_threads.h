/* Work on every thread that a call with so many threads uses: the calling one and the pool's. */
#ifndef PARSEAL_TESTS_HYGIENE_ALL_THREADS_H
#define PARSEAL_TESTS_HYGIENE_ALL_THREADS_H

#include <stdint.h>

/* Calls f(arg, i) once on each of `threads` threads; i is 0 on the calling one. It returns when all
 * of them have been there. The pool must have as many. */
void on_all_threads(uint32_t threads, void (*f)(void *arg, uint32_t i), void *arg);

#endif
