/* The sizes of the structs that may grow.
 *
 * Each of them begins with struct_size, and gets new fields at its end only. A program was compiled
 * with the struct of its release, so the library takes every size from the first release's
 * on: PARSEAL_*_SIZE_0, which ends with the field that was last then. These lines never change, and
 * a struct that is new gets one here. The tests hold that none of the structs ends in padding, as a
 * field that came to lie there would be read from bytes that an older program has never written.
 *
 * Whoever includes this header also includes the public one that has the struct. */
#ifndef PARSEAL_HOST_SUPPORT_SIZES_H
#define PARSEAL_HOST_SUPPORT_SIZES_H

#include <stddef.h>

/* No struct will ever be longer. A larger struct_size has not been set by the caller, so the memory
 * behind it must not be read. */
#define PARSEAL_STRUCT_SIZE_MAX 4096

#define PARSEAL_SIZE_UP_TO(type, field) (offsetof(type, field) + sizeof(((type *)NULL)->field))

#define PARSEAL_OPTIONS_SIZE_0             PARSEAL_SIZE_UP_TO(parseal_options, device)
#define PARSEAL_INFO_SIZE_0                PARSEAL_SIZE_UP_TO(parseal_info, kernel_seconds)
#define PARSEAL_PRIMITIVE_INFO_SIZE_0      PARSEAL_SIZE_UP_TO(parseal_primitive_info, crossover)
#define PARSEAL_IMPL_SIZE_0                PARSEAL_SIZE_UP_TO(parseal_impl, detail)
#define PARSEAL_ALG_SIZE_0                 PARSEAL_SIZE_UP_TO(parseal_alg, message_max)
#define PARSEAL_KEYS_OPTIONS_SIZE_0        PARSEAL_SIZE_UP_TO(parseal_keys_options, reserved)
#define PARSEAL_SET_INFO_SIZE_0            PARSEAL_SIZE_UP_TO(parseal_set_info, locked)
#define PARSEAL_AEAD_SHAPE_SIZE_0          PARSEAL_SIZE_UP_TO(parseal_aead_shape, key)
#define PARSEAL_AEAD_IO_SIZE_0             PARSEAL_SIZE_UP_TO(parseal_aead_io, workspace)
#define PARSEAL_QUANT_SIZE_0               PARSEAL_SIZE_UP_TO(parseal_quant, reserved)
#define PARSEAL_MEAN_OPTIONS_SIZE_0        PARSEAL_SIZE_UP_TO(parseal_mean_options, weights)
#define PARSEAL_QUANT_CHECK_OPTIONS_SIZE_0 PARSEAL_SIZE_UP_TO(parseal_quant_check_options, reserved)
#define PARSEAL_AGGREGATOR_OPTIONS_SIZE_0  PARSEAL_SIZE_UP_TO(parseal_aggregator_options, reserved)
#define PARSEAL_SEALED_PARAMS_SIZE_0       PARSEAL_SIZE_UP_TO(parseal_sealed_params, aad_len)
#define PARSEAL_FCP_MASK_SIZE_0            PARSEAL_SIZE_UP_TO(parseal_fcp_mask, name_len)
#define PARSEAL_COUNTING_SIZE_0            PARSEAL_SIZE_UP_TO(parseal_counting, number)

#endif
