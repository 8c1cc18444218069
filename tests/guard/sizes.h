/* The lengths and placements that the guard suites go through. */
#ifndef PARSEAL_TESTS_SIZES_H
#define PARSEAL_TESTS_SIZES_H

#include "guard.h"
#include "test.h"

/* Calls visit with every length of 0..130, 1023..1025 and 4095..4097, once with all buffers
 * directly after a guard page and once with all of them ending at one. On an emulated device there
 * are fewer of the first (run_length). */
typedef void (*size_visitor)(void *arg, guard_side side, size_t n);
void visit_sizes(size_visitor visit, void *arg);

/* Opens, checks or closes all buffers of an array. */
void guards_open(guard_buf *list, size_t n, size_t capacity);
void guards_check(const guard_buf *list, size_t n);
void guards_close(guard_buf *list, size_t n);

#endif
