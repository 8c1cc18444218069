/* The header of a safetensors file: 8 bytes of length, then a JSON object that gives each tensor's
 * dtype, shape and place in the data that follows. */
#ifndef PARSEAL_HOST_CLI_ROUND_SAFETENSORS_H
#define PARSEAL_HOST_CLI_ROUND_SAFETENSORS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "host/cli/cli.h"

typedef enum {
    DTYPE_F32,
    DTYPE_F16,
    DTYPE_BF16,
    DTYPE_NOT_FLOAT, /* integers and booleans: not parameters that are averaged */
    DTYPE_OTHER_FLOAT
} dtype_class;

typedef struct {
    const char *name;
    dtype_class class;
    uint32_t bits;
} safetensors_dtype;

typedef struct {
    const char *name; /* lives as long as the header */
    const safetensors_dtype *dtype;
    uint64_t begin, end; /* bytes of the data */
    uint64_t elements;
} safetensors_tensor;

typedef struct {
    json_t *json;
    safetensors_tensor *tensors; /* in data order */
    size_t n;
    uint64_t data_at; /* file offset of the data */
} safetensors_header;

/* Reads and checks the header of `file`, which has file_size bytes and stands at its beginning:
 * every tensor's bytes are its shape's, and the tensors fill the data without overlap or gap.
 * Anything else is CLI_USAGE with a line that names the file, the tensor and the field. */
int safetensors_read_header(safetensors_header *header, FILE *file, uint64_t file_size,
                            const char *path, cli_failure *failure);
void safetensors_destroy(safetensors_header *header);

#endif
