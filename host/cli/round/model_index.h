/* The index of a sharded model (model.safetensors.index.json): a JSON object whose weight_map gives
 * the file of each tensor. Its other members, such as metadata, are passed over. */
#ifndef PARSEAL_HOST_CLI_ROUND_MODEL_INDEX_H
#define PARSEAL_HOST_CLI_ROUND_MODEL_INDEX_H

#include "host/cli/json_reader.h"
#include "host/cli/round/source.h"

typedef struct {
    json_text tensor;
    json_text shard; /* a plain name that ends in .safetensors, without zero bytes */
    bool seen;       /* the tensor was found in that shard */
} model_index_entry;

typedef struct {
    char *text;
    model_index_entry *entries; /* sorted by the tensors' names */
    size_t n;
    json_text *shards; /* each once, sorted by name */
    size_t n_shards;
} model_index;

/* Reads an index. An index that is not well formed is CLI_USAGE with a line that names the file and
 * the tensor. That includes a tensor that is there twice, and a shard that is no plain file name
 * (it has a '/' or a zero byte, or more than 255 bytes, or does not end in .safetensors). */
int model_index_read(model_index *index, const source *s, cli_failure *failure);

/* Returns NULL where the index does not know the tensor. */
model_index_entry *model_index_find(const model_index *index, const json_text *tensor);

/* Is harmless on an index that is all zeros. */
void model_index_destroy(model_index *index);

#endif
