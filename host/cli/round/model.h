/* A model in safetensors files: one file, or an index and its shards. */
#ifndef PARSEAL_HOST_CLI_ROUND_MODEL_H
#define PARSEAL_HOST_CLI_ROUND_MODEL_H

#include "host/cli/round/model_index.h"
#include "host/cli/round/safetensors.h"

typedef struct {
    char *path;
    const char *name;  /* the part of the path that is opened in the folder */
    const char *shown; /* the part for messages, which have room for 200 bytes of a path */
    uint64_t size;
    dev_t device;
    ino_t inode;
    safetensors_header header;
} model_file;

typedef struct {
    int folder; /* the shards' folder; AT_FDCWD for a model of one file */
    source_links links;
    model_index index;
    model_file *files; /* sorted by name */
    size_t n;
} model;

/* Returns true for names that end in .safetensors or .safetensors.index.json. */
bool model_is_name(const char *path);
bool model_name_ends(const char *path, const char *end);

/* Opens the file and checks all headers. Every tensor of an index must be in the shard that the
 * index says and nowhere else, and the shards must hold no other tensors; a shard must be a regular
 * file in the folder of the index, and no link. Anything else is CLI_USAGE with a line that names
 * it, and leaves nothing to be closed. */
int model_open(model *m, const char *path, cli_failure *failure);

/* Counts the elements of all tensors that become float32. */
int model_count(const model *m, uint64_t *n, cli_failure *failure);

/* Reads these elements, shard by shard in the order of their names, and each in data order. A note
 * on stderr counts the values that could not stay the same. */
int model_read(const model *m, float *x, cli_failure *failure);

/* Writes notes on stderr that name the tensors which do not become float32. */
void model_note_left_out(const model *m);

void model_close(model *m);

#endif
