/* The proof of aead_hash_mma, by aead_hash, before it is used.
 *
 * What the API proves a device by are short messages, for which the tensor cores do not pay. And
 * this kernel may be there and wrong: where the images have no machine code for a device of
 * compute capability 8.0 to 9.x, its driver compiles the PTX of an older one, in which there is no
 * such instruction. Without this the tags of long messages would then depend on nothing. */
#include <stdlib.h>
#include <string.h>

#include "host/cuda/device.h"
#include "host/gpu/aead.h"

/* Bytes. Two groups of rows make a tile, and the second tile ends within a block. */
enum { TILE = 8192, LENGTH = TILE + 4096 + 9, TILES = 2, TILE_HASH = 16 };

typedef struct {
    gpu_keys *keys;
    gpu_table table;
    gpu_memory data, work;
    uint8_t text[LENGTH], hash[2][TILES * TILE_HASH]; /* by integers, by the tensor cores */
    bool right;
} proof;

static parseal_status describe(const cuda_device *d, proof *p)
{
    const gpu_stream own = d->gpu.own;
    uint8_t key[PARSEAL_AES128GCM_KEYBYTES];
    memset(key, 7, sizeof key);
    for (size_t i = 0; i < LENGTH; i++)
        p->text[i] = (uint8_t)(i * i >> 7 ^ i * 29);
    void *keys = NULL;
    TRY(gpu_keys_create(&keys, &d->gpu, PARSEAL_AES128GCM, key, 1));
    p->keys = keys;
    TRY(gpu_table_open(&p->table, &d->gpu, 1));
    p->table.host[0] = (aead_item){.len = LENGTH, .blocks_after = 1};
    TRY(gpu_table_upload(&p->table, &own));
    p->table.tile = TILE; /* more than so short a message would be cut into */
    p->table.hash_total = TILES;
    p->data = gpu_alloc(&d->gpu, LENGTH);
    p->work = gpu_alloc(&d->gpu, gpu_work_size(&p->table));
    return p->data != 0 && p->work != 0 ? gpu_write_now(&d->gpu, &own, p->data, 0, p->text, LENGTH)
                                        : PARSEAL_ERR_NO_MEMORY;
}

static parseal_status run(const cuda_device *d, proof *p)
{
    const gpu_stream own = d->gpu.own;
    TRY(describe(d, p));
    const gpu_aead_io io = {.in = {p->data, 0}, .aad = {p->data, 0}, .work = {p->work, 0}};
    if (p->keys->prepared == 0) /* no room for its matrices */
        return PARSEAL_OK;
    for (int mma = 0; mma < 2; mma++) {
        /* A kernel that does nothing does not find what the other one has left. */
        TRY(cuda_driver.wipe(&d->gpu, &own, p->work, gpu_work_size(&p->table)));
        TRY(cuda_hash_tiles(p->keys, &p->table, &io, &own, true, mma != 0));
        TRY(gpu_read(&d->gpu, &own, p->work, GPU_WORK, p->hash[mma], sizeof p->hash[mma]));
    }
    p->right = memcmp(p->hash[0], p->hash[1], sizeof p->hash[0]) == 0;
    return PARSEAL_OK;
}

parseal_status cuda_prove(cuda_device *d)
{
    cuda_kernel *kernel = &d->kernel[CUDA_KERNEL_aead_hash_mma];
    if (kernel->blocks_max == 0)
        return PARSEAL_OK;
    proof *p = calloc(1, sizeof *p);
    if (p == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "cuda: out of memory");
    const parseal_status status = run(d, p);
    if (!p->right)
        kernel->blocks_max = 0;
    (void)gpu_finish(&d->gpu, &d->gpu.own);
    gpu_table_close(&p->table);
    gpu_free(&d->gpu, p->data);
    gpu_free(&d->gpu, p->work);
    gpu_keys_destroy(p->keys);
    free(p);
    return status;
}
