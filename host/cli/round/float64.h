/* IEEE 754 binary64 to the nearest float32. */
#ifndef PARSEAL_HOST_CLI_ROUND_FLOAT64_H
#define PARSEAL_HOST_CLI_ROUND_FLOAT64_H

#include <stdbool.h>
#include <stdint.h>

/* Ties go to the even one, and from 2^128 - 2^103 on the nearest is an infinity. *exact tells
 * whether the value stayed the same; a NaN counts as exact. The rounding does not depend on the
 * state of the floating-point unit. */
float float_from_float64(uint64_t bits, bool *exact);

#endif
