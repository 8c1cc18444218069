/* The numbers by which a backend's kernels for AES in counter mode and GHASH cut messages, and the
 * steps that differ between backends. */
#ifndef PARSEAL_HOST_GPU_AEAD_TACTICS_H
#define PARSEAL_HOST_GPU_AEAD_TACTICS_H

#include "host/gpu/device.h"

struct gpu_keys;
struct gpu_table;
struct gpu_aead_io;

typedef struct {
    uint32_t hash_work; /* bytes of work for each tile of aead_hash, beside GPU_WORK a message */
    uint32_t hash_tile_min; /* bytes */
    uint32_t begin_group;   /* messages for each item of aead_begin */
    uint32_t add_blocks;    /* the most blocks in a tile of aead_add */
    uint32_t add_items;     /* items of aead_add for each tile */

    uint64_t (*crypt_units)(const aead_item *item);
    uint32_t (*hash_tile)(const gpu_device *d, const aead_item *items, size_t n);
    /* Fills keys->prepared. NULL: the kernels need only the expanded keys. */
    parseal_status (*keys_prepare)(struct gpu_keys *keys);
    parseal_status (*crypt)(const struct gpu_keys *keys, const struct gpu_table *t,
                            const struct gpu_aead_io *io, const gpu_stream *s, bool open);
    parseal_status (*hash)(const struct gpu_keys *keys, const struct gpu_table *t,
                           const struct gpu_aead_io *io, const gpu_stream *s, bool open);
    /* Does what crypt and then hash do, for seal. NULL: those are called. */
    parseal_status (*seal)(const struct gpu_keys *keys, const struct gpu_table *t,
                           const struct gpu_aead_io *io, const gpu_stream *s);
    const char *(*add_kernel)(const gpu_device *d, uint32_t element_size);
} gpu_aead_tactics;

#endif
