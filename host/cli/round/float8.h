/* The 8-bit and 4-bit float formats, to float32: exact for every value. Sources: E4M3, E5M2 and
 * E2M1 are OCP 8-bit Floating Point 1.0 and OCP Microscaling Formats 1.0, 5.3; the FNUZ formats
 * ("finite, no negative zero") are arXiv:2206.02915. */
#ifndef PARSEAL_HOST_CLI_ROUND_FLOAT8_H
#define PARSEAL_HOST_CLI_ROUND_FLOAT8_H

#include <stdint.h>

float float_from_e4m3(uint8_t bits);     /* no infinities; NaN is 0x7f and 0xff */
float float_from_e5m2(uint8_t bits);     /* infinities and NaNs as in IEEE 754 */
float float_from_e4m3fnuz(uint8_t bits); /* no infinities and no -0; NaN is 0x80 */
float float_from_e5m2fnuz(uint8_t bits); /* the same */
float float_from_e2m1(uint8_t bits);     /* the low 4 bits; no infinities and no NaNs */

#endif
