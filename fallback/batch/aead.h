/* Batches of messages on the CPU, over any aead_impl, on threads. */
#ifndef PARSEAL_FALLBACK_BATCH_AEAD_H
#define PARSEAL_FALLBACK_BATCH_AEAD_H

#include "fallback/impl.h"

/* The tile that holds bytes [index * tile_size, ...) of an item. */
typedef struct {
    size_t item;
    size_t index;
} aead_tile;

typedef struct {
    const aead_impl *impl;
    uint32_t threads;
    /* Fills items[0] to items[n - 1] with the source's items from `first` on. */
    void (*items)(const void *source, size_t first, size_t n, cpu_item *items);
    const void *source;
    uint64_t bytes; /* bytes of all items */
    uint64_t tile_size;
    const aead_tile *tiles; /* all tiles of all items in order; NULL: every item is one tile */
    size_t n_tiles;
    uint8_t (*partial)[16]; /* scratch, one per tile; NULL where `tiles` is NULL */
} aead_batch;

/* The longest message that is not cut, whatever the batch. */
enum { AEAD_ONE_MAX = 64 * 1024 };

/* Returns the tile size for a batch of so many bytes: messages are cut only where whole ones would
 * leave threads idle. */
uint64_t aead_tile_size(uint32_t threads, uint64_t bytes);

/* Returns how many tiles a message of len bytes makes: at least one. */
size_t aead_tiles_of(uint64_t len, uint64_t tile_size);

/* Seals or opens the batch. Every verdict must be UNSET on entry. */
void aead_run(const aead_batch *batch, bool open);

/* Seals or opens one message of at most AEAD_ONE_MAX bytes, which is never cut. Its verdict must be
 * UNSET on entry. */
void aead_run_one(const aead_impl *impl, const cpu_item *item, bool open);

/* Stores the verdict on an item that is being opened, from the hashes of its tiles. */
void aead_decide(const aead_impl *impl, const cpu_item *item, uint64_t tile_size,
                 const uint8_t (*partial)[16]);

#endif
