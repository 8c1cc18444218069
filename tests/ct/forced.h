/* Suites that Valgrind runs, for the one implementation that is named on the command line. */
#ifndef PARSEAL_TESTS_FORCED_H
#define PARSEAL_TESTS_FORCED_H

#include "test.h"

/* Returns what main should return. Skips the suite, and says why, where Valgrind does not follow
 * secrets or the implementation cannot run. */
int forced_suite(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t n);

#define FORCED_SUITE(argc, argv, name, tests) forced_suite(argc, argv, name, tests, COUNT_OF(tests))

/* Opens a context on the implementation that PARSEAL_CPU forces, and asserts that it is picked. */
parseal_ctx *forced_ctx(uint32_t threads);

#endif
