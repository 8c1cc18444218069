/* Every suite includes this: cmocka, with the headers that it wants first, and the public API. */
#ifndef PARSEAL_TESTS_TEST_H
#define PARSEAL_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "parseal/parseal.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
