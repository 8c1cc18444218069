/* A batch's shape on the device: its items, and how the kernels cut them. */
#ifndef PARSEAL_HOST_GPU_TABLE_H
#define PARSEAL_HOST_GPU_TABLE_H

#include "host/gpu/device.h"

typedef struct gpu_table {
    const gpu_device *device;
    uint32_t n, tile;                 /* items, and bytes of a tile of aead_hash */
    uint64_t bytes;                   /* bytes of all messages and their aad */
    uint64_t crypt_total, hash_total; /* units of aead_crypt, tiles of aead_hash */
    gpu_memory items, crypt_begin, hash_begin;
    aead_item *host; /* n items, which the caller fills in; then crypt_begin and hash_begin */
    size_t room;     /* items that the memory is enough for */
} gpu_table;

/* The most bytes that an item takes. */
enum { GPU_TABLE_ITEM = sizeof(aead_item) + 2 * sizeof(uint64_t) };

/* Allocates memory for n items, or keeps the memory of a table that has been open before where it
 * is enough. A table that is new must be all zeros; gpu_table_close takes such a table, too. */
parseal_status gpu_table_open(gpu_table *t, const gpu_device *d, size_t n);
void gpu_table_close(gpu_table *t);

/* Cuts the items into units and enqueues their upload. They must not change until the stream is
 * finished. */
parseal_status gpu_table_upload(gpu_table *t, const gpu_stream *s);

#endif
