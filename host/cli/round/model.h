/* A model in safetensors files: one file, or an index and its shards. */
#ifndef PARSEAL_HOST_CLI_ROUND_MODEL_H
#define PARSEAL_HOST_CLI_ROUND_MODEL_H

#include "host/cli/round/model_index.h"
#include "host/cli/round/safetensors.h"

typedef struct {
    char *path;
    const char *name;  /* the part of it that is opened in the folder */
    const char *shown; /* in messages, which have room for 200 bytes of a path */
    uint64_t size;
    dev_t device;
    ino_t inode;
    safetensors_header header;
} model_file;

typedef struct {
    int folder; /* of the shards; AT_FDCWD for a model of one file */
    source_links links;
    model_index index;
    model_file *files; /* in the order of their names */
    size_t n;
} model;

/* The name of a model: ends in .safetensors or .safetensors.index.json. */
bool model_is_name(const char *path);
bool model_name_ends(const char *path, const char *end);

/* Opens the file and checks all headers. Of an index, every tensor must be in the shard that it
 * says and nowhere else, and the shards hold no other tensors; a shard is a regular file in the
 * folder of the index, and no link. Anything else is CLI_USAGE with a line that names it, and
 * leaves nothing to be closed. */
int model_open(model *m, const char *path, cli_failure *failure);

/* The elements of all tensors that become float32. */
int model_count(const model *m, uint64_t *n, cli_failure *failure);

/* Reads them: shard by shard in the order of their names, each in data order. A note on stderr
 * counts the values that could not stay the same. */
int model_read(const model *m, float *x, cli_failure *failure);

/* Notes on stderr name the tensors that do not become float32. */
void model_note_left_out(const model *m);

void model_close(model *m);

#endif
