/* Vectors of n elements of 4 bytes, described by the tensors of other dlpack.h than the vendored
 * one. */
#ifndef PARSEAL_TESTS_DLPACK_BEFORE_H
#define PARSEAL_TESTS_DLPACK_BEFORE_H

#include <parseal/core.h>

parseal_status take_before_1_0(uint32_t *elements, int64_t n, parseal_vec *vec);
parseal_status take_1_0(uint32_t *elements, int64_t n, parseal_vec *vec);

#endif
