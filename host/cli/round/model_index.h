/* The index of a sharded model (model.safetensors.index.json): a JSON object whose weight_map gives
 * the file of each tensor. Its other members, such as metadata, are passed over. */
#ifndef PARSEAL_HOST_CLI_ROUND_MODEL_INDEX_H
#define PARSEAL_HOST_CLI_ROUND_MODEL_INDEX_H

#include "host/cli/json_reader.h"
#include "host/cli/round/source.h"

typedef struct {
    json_text tensor;
    json_text shard; /* a plain name that ends in .safetensors, without zero bytes */
    bool seen;       /* in that shard */
} model_index_entry;

typedef struct {
    char *text;
    model_index_entry *entries; /* in the order of the tensors' names */
    size_t n;
    json_text *shards; /* each once, in the order of their names */
    size_t n_shards;
} model_index;

/* Everything that is not well formed is CLI_USAGE with a line that names the file and the tensor,
 * among it: a tensor that is there twice, and a shard that is no plain file name (it has a '/' or a
 * zero byte, or more than 255 bytes, or does not end in .safetensors). */
int model_index_read(model_index *index, const source *s, cli_failure *failure);

/* NULL: the index does not know the tensor. */
model_index_entry *model_index_find(const model_index *index, const json_text *tensor);

/* Harmless on an index that is all zeros. */
void model_index_destroy(model_index *index);

#endif
