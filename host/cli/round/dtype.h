/* The types of tensors that a safetensors file may hold, and how they become float32. */
#ifndef PARSEAL_HOST_CLI_ROUND_DTYPE_H
#define PARSEAL_HOST_CLI_ROUND_DTYPE_H

#include <stddef.h>
#include <stdint.h>

#include "host/cli/json_reader.h"
#include "host/cli/round/source.h"

typedef struct {
    const char *name;
    uint32_t bits; /* bits of an element; elements lie one after another without padding */
    /* Converts n elements from (n * bits) / 8 whole bytes to float32. Returns how many values could
     * not stay the same. NULL: tensors of this type are left out. */
    uint64_t (*convert)(float *x, const uint8_t *bytes, size_t n);
} dtype;

/* Returns NULL for a name that is no type of the format. */
const dtype *dtype_find(const json_text *name);

/* The type of .f32 files. */
extern const dtype dtype_f32;

/* Reads n elements of a type that converts, from where the file stands, and adds to *inexact how
 * many values could not stay the same. */
int dtype_read(const dtype *type, const source *s, float *x, uint64_t n, uint64_t *inexact,
               cli_failure *failure);

#endif
