/* The header of a safetensors file: 8 bytes of length, then a JSON object that gives each tensor's
 * dtype, shape and place in the data that follows. */
#ifndef PARSEAL_HOST_CLI_ROUND_SAFETENSORS_H
#define PARSEAL_HOST_CLI_ROUND_SAFETENSORS_H

#include "host/cli/json_reader.h"
#include "host/cli/round/dtype.h"
#include "host/cli/round/source.h"

typedef struct {
    json_text name; /* lives as long as the header */
    const dtype *dtype;
    uint64_t begin, end; /* the tensor's first byte in the data, and the byte behind it */
    uint64_t elements;
} safetensors_tensor;

typedef struct {
    char *text;                  /* the JSON; names lie in it */
    safetensors_tensor *tensors; /* in data order */
    size_t n;
    uint64_t data_at; /* file offset of the data */
} safetensors_header;

/* Reads and checks the header of a file that stands at its beginning: every tensor's bytes are its
 * shape's, the tensors fill the data without overlap or gap, and no name is there twice (the
 * safetensors library keeps the last one of a name; which one was meant cannot be known).
 * Anything else is CLI_USAGE with a line that names the file, the tensor and the field. The memory
 * it takes is in proportion to the header, which is checked against the file's size first. */
int safetensors_read_header(safetensors_header *header, const source *s, cli_failure *failure);

/* Is harmless on a header that is all zeros. */
void safetensors_destroy(safetensors_header *header);

#endif
