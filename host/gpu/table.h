/* A batch's shape on the device: its items, and how the kernels cut them. */
#ifndef PARSEAL_HOST_GPU_TABLE_H
#define PARSEAL_HOST_GPU_TABLE_H

#include "host/gpu/device.h"

typedef struct gpu_table {
    const gpu_device *device;
    uint32_t n, tile;                 /* tile: bytes */
    uint64_t bytes;                   /* of all messages and their aad */
    uint64_t crypt_total, hash_total; /* units of aead_crypt, tiles of aead_hash */
    gpu_memory items, crypt_begin, hash_begin;
    aead_item *host; /* n, for the caller to fill in; then the two lists of where items begin */
    size_t room;     /* items that there is memory for */
} gpu_table;

/* Bytes that each item takes, at most. */
enum { GPU_TABLE_ITEM = sizeof(aead_item) + 2 * sizeof(uint64_t) };

/* Memory for n items: that of a table that has been open before, where it is enough. The first
 * time, and for gpu_table_close, *t is all zeros. */
parseal_status gpu_table_open(gpu_table *t, const gpu_device *d, size_t n);
void gpu_table_close(gpu_table *t);

/* Cuts the items and enqueues their upload: until the stream is finished they stay as they are. */
parseal_status gpu_table_upload(gpu_table *t, const gpu_stream *s);

#endif
