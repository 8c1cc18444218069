/* Allocations that fail: linked with --wrap, it stands in for the allocators that the library
 * calls. */
#ifndef PARSEAL_TESTS_FAILING_H
#define PARSEAL_TESTS_FAILING_H

#include "test.h"

/* The n-th allocation from now on fails, those before and after do not. */
void fail_nth(size_t n);

/* Whether it has failed. */
bool stop_failing(void);

/* The call with its n-th allocation failing, for every n that it comes to, and once with none. Each
 * time it says PARSEAL_ERR_NO_MEMORY, and then `unchanged` (NULL: nothing) looks; at last it is
 * PARSEAL_OK. There are at least so many allocations. */
typedef parseal_status (*a_call)(void);
typedef void (*a_check)(void);
void each_allocation(a_call call, a_check unchanged, size_t least);

#endif
