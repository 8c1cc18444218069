/* Masks, sums, quantisation and packing on the CPU: cuts the work into cache-sized pieces, on
 * threads, over any implementation. Pointers and sizes have been checked. */
#ifndef PARSEAL_FALLBACK_BATCH_VECTORS_H
#define PARSEAL_FALLBACK_BATCH_VECTORS_H

#include "fallback/impl.h"

void vectors_mask(const mask_impl *impl, uint32_t threads, const mask_seed *seeds, size_t n_seeds,
                  uint64_t modulus, uint32_t element_size, void *acc, uint64_t first,
                  uint64_t count, mask_output output);

void vectors_sum(const sum_impl *impl, uint32_t threads, uint64_t modulus, uint32_t element_size,
                 void *acc, const void *const *v, size_t n, uint64_t count);

/* Rounds to nearest where seed is NULL. Returns how many of x were not finite. */
uint64_t vectors_quantize(const quant_impl *impl, const mask_impl *mask, uint32_t threads,
                          const quant_params *params, const void *x, const mask_seed *seed,
                          uint64_t first, void *q, uint64_t count);

void vectors_dequantize(const quant_impl *impl, uint32_t threads, const dequant_params *params,
                        const void *sum, float *mean, uint64_t count);

void vectors_pack(const pack_impl *impl, uint32_t threads, uint32_t bits, uint32_t element_size,
                  const void *elements, uint8_t *packed, uint64_t count);
void vectors_unpack(const pack_impl *impl, uint32_t threads, uint32_t bits, uint32_t element_size,
                    const uint8_t *packed, void *elements, uint64_t count);

/* Adds the n packed vectors to acc, mod modulus. */
void vectors_packed_sum(const pack_impl *pack, const sum_impl *sum, uint32_t threads, uint32_t bits,
                        uint64_t modulus, uint32_t element_size, void *acc,
                        const uint8_t *const *packed, size_t n, uint64_t count);

#endif
