/* References for sums, quantisation and packing, each written from the format's description in the
 * plainest way there is. */
#ifndef PARSEAL_TESTS_REF_VEC_H
#define PARSEAL_TESTS_REF_VEC_H

#include "test.h"

/* acc[i] = (acc[i] + sum_j v[j][i]) mod m. */
void ref_sum(const parseal_ring *ring, void *acc, const void *const *v, size_t n_vectors,
             uint64_t n);

/* These go bit by bit. `packed` has ceil(n * bits / 8) bytes. */
void ref_pack(uint32_t bits, uint32_t element_size, const void *elements, uint8_t *packed,
              uint64_t n);
void ref_unpack(uint32_t bits, uint32_t element_size, const uint8_t *packed, void *elements,
                uint64_t n);

/* These convert patterns of IEEE 754 binary16 and of bfloat16 by arithmetic on their fields. */
float ref_from_float16(uint16_t pattern);
float ref_from_bfloat16(uint16_t pattern);

/* Returns element i of an array of PARSEAL_FLOAT32, ... */
float ref_float_at(const void *x, uint64_t i, int32_t float_type);
uint32_t float_size(int32_t float_type);

/* Does steps 1 to 4 of the format for one value. `random` is r; rounding to nearest ignores it. */
uint32_t ref_quantize(const parseal_quant *quant, float x, uint32_t random);

float ref_dequantize(const parseal_quant *quant, uint64_t sum, uint64_t n_clients);

#endif
