/* The two 16-bit float formats, to float32: exact for every value. */
#ifndef PARSEAL_HOST_CLI_ROUND_FLOAT16_H
#define PARSEAL_HOST_CLI_ROUND_FLOAT16_H

#include <stdint.h>

float float_from_bfloat16(uint16_t bits);
float float_from_float16(uint16_t bits); /* IEEE 754 binary16 */

#endif
