/* AES-GCM batches on the CPU: SP 800-38D algorithms 4 and 5 over any gcm_impl, on threads. */
#ifndef PARSEAL_FALLBACK_GCM_H
#define PARSEAL_FALLBACK_GCM_H

#include "fallback/impl.h"

/* The tile that holds bytes [index * GCM_TILE, ...) of an item. */
typedef struct {
    size_t item;
    size_t index;
} gcm_tile;

typedef struct {
    const gcm_impl *impl;
    uint32_t threads;
    gcm_item (*item)(const void *source, size_t i);
    const void *source;
    const gcm_tile *tiles; /* all tiles of all items in order; NULL: every item is one tile */
    size_t n_tiles;
    uint8_t (*partial)[16]; /* scratch, one per tile; NULL where tiles is */
} gcm_batch;

/* How many tiles a message of len bytes makes: at least one. */
size_t gcm_tiles_of(uint64_t len);

/* Every verdict is UNSET on entry. */
void gcm_run(const gcm_batch *batch, bool open);

#endif
