/* Masks of parseal/fcp.h on a GPU, for powers of two: there nothing is rejected, so each element
 * has a known place in the keystream, and each item of the kernel makes its own elements. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/gpu/count.h"
#include "host/gpu/driver.h"
#include "host/gpu/stage.h"
#include "host/gpu/vectors.h"
#include "kernels/common/launch.h"

/* KEY counts bytes. GROUP elements take as many blocks of keystream as an element has bytes. */
enum { KEY = 32, GROUP = 16 };

typedef struct {
    const gpu_device *device;
    gpu_memory list; /* n times fcp_key */
    size_t n;
    uint32_t bytes; /* keystream bytes of an element */
    gpu_uses *uses;

    /* What the AES keys are derived from at each call with a set that counts. */
    gpu_numbers numbers;
    gpu_memory raw, tail; /* n times fcp_raw; fcp_counting's tail */
    uint64_t tail_size, number_at;
    uint32_t bits;
} gpu_fcp;

/* A client's key as the kernel fcp_count reads it. */
typedef struct {
    uint8_t key[KEY], size, reserved[15];
} fcp_raw;

static const gpu_fcp *fcp_of(const backend_fcp *fcp)
{
    return (const gpu_fcp *)fcp;
}

static void free_fcp(gpu_fcp *f)
{
    if (f == NULL)
        return;
    gpu_uses_close(f->uses); /* What is still masked would else get AES under a key of zeros. */
    if (f->device != NULL) {
        gpu_wipe_and_free(f->device, f->list, f->n * sizeof(fcp_key));
        gpu_wipe_and_free(f->device, f->raw, f->n * sizeof(fcp_raw));
        gpu_free(f->device, f->tail);
        gpu_numbers_close(&f->numbers, f->device);
    }
    free(f);
}

static parseal_status expand(const gpu_fcp *f, const gpu_stream *s)
{
    gpu_launch launch;
    gpu_launch_begin(&launch, f->device, GPU_FCP, "fcp_expand");
    gpu_arg_memory(&launch, f->list);
    gpu_arg_u32(&launch, (uint32_t)f->n);
    return gpu_launch_run(&launch, s, f->n);
}

static parseal_status upload_and_expand(gpu_fcp *f, const fcp_key *keys)
{
    const gpu_device *d = f->device;
    const gpu_stream own = d->own;
    TRY(gpu_write_now(d, &own, f->list, 0, keys, f->n * sizeof *keys));
    TRY(expand(f, &own));
    return gpu_finish(d, &own);
}

static uint32_t candidate_bytes(uint64_t modulus)
{
    uint32_t bytes = 0;
    for (uint64_t x = modulus - 1; x != 0; x >>= 8)
        bytes++;
    return bytes;
}

parseal_status gpu_fcp_create(const parseal_device *device, backend_fcp **fcp, uint64_t modulus,
                              const uint8_t *keys, const int32_t *signs, size_t n)
{
    const gpu_device *d = gpu_of(device);
    if ((modulus & (modulus - 1)) != 0)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                            "mask.modulus: %" PRIu64
                            " is no power of two, and the elements of such "
                            "masks must be made one after the other, on the CPU",
                            modulus);
    gpu_fcp *f = calloc(1, sizeof *f);
    fcp_key *copy = sodium_allocarray(n + 1, sizeof *copy);
    parseal_status status = PARSEAL_ERR_NO_MEMORY;
    if (f != NULL && copy != NULL) {
        for (size_t i = 0; i < n; i++) {
            copy[i] = (fcp_key){.sign = signs[i]};
            memcpy(copy[i].round_key, keys + KEY * i, KEY);
        }
        *f = (gpu_fcp){.device = d, .n = n, .bytes = candidate_bytes(modulus)};
        status = gpu_uses_open(&f->uses, d);
        if (status == PARSEAL_OK)
            status = gpu_alloc(d, n * sizeof *copy, &f->list);
        if (status == PARSEAL_OK)
            status = upload_and_expand(f, copy);
    } else {
        (void)parseal_fail(status, "seeds: out of memory for %zu keys", n);
    }
    sodium_free(copy);
    if (status == PARSEAL_OK)
        *fcp = (backend_fcp *)f;
    else
        free_fcp(f);
    return status;
}

/* ------------------------------------------------------------------------------------- count -- */

static parseal_status upload_raw(gpu_fcp *f, const fcp_counting *counting)
{
    const gpu_stream own = f->device->own;
    fcp_raw *raw = sodium_allocarray(f->n + 1, sizeof *raw);
    if (raw == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory for %zu keys", f->n);
    for (size_t i = 0; i < f->n; i++) {
        const parseal_fcp_key *key = &counting->keys[i];
        raw[i] = (fcp_raw){.size = (uint8_t)key->len};
        memcpy(raw[i].key, key->key, key->len);
    }
    parseal_status status = gpu_alloc(f->device, f->n * sizeof *raw, &f->raw);
    if (status == PARSEAL_OK)
        status = gpu_write_now(f->device, &own, f->raw, 0, raw, f->n * sizeof *raw);
    sodium_free(raw);
    return status;
}

parseal_status gpu_fcp_count(const parseal_device *device, backend_fcp *fcp,
                             const fcp_counting *counting)
{
    gpu_fcp *f = (gpu_fcp *)fcp;
    const gpu_device *d = gpu_of(device);
    const gpu_stream own = d->own;
    f->bits = counting->bits;
    f->tail_size = counting->tail_size;
    f->number_at = counting->number_at;
    TRY(upload_raw(f, counting));
    TRY(gpu_alloc(d, f->tail_size, &f->tail));
    TRY(gpu_write_now(d, &own, f->tail, 0, counting->tail, f->tail_size));
    return gpu_numbers_open(&f->numbers, d, &counting->numbers);
}

/* Derives the AES keys for the number of this call. */
static parseal_status derive(const gpu_fcp *f, const gpu_stream *s)
{
    gpu_launch launch;
    if (f->numbers.state == 0)
        return PARSEAL_OK;
    gpu_launch_begin(&launch, f->device, GPU_FCP, "fcp_count");
    gpu_arg_memory(&launch, f->numbers.state);
    gpu_arg_memory(&launch, f->raw);
    gpu_arg_memory(&launch, f->list);
    gpu_arg_u32(&launch, (uint32_t)f->n);
    gpu_arg_u32(&launch, f->bits);
    gpu_arg_memory(&launch, f->tail);
    gpu_arg_u64(&launch, f->tail_size);
    gpu_arg_u64(&launch, f->number_at);
    TRY(gpu_launch_run(&launch, s, f->n));
    return expand(f, s);
}

void gpu_fcp_destroy(const parseal_device *device, backend_fcp *fcp)
{
    (void)device;
    free_fcp((gpu_fcp *)fcp);
}

typedef struct {
    const gpu_fcp *fcp;
    ring_params ring;
    uint64_t first;
    bool write;
} fcp_work;

/* Returns how many elements an item of the kernel makes. */
static uint64_t item_size(const gpu_fcp *f)
{
    const uint32_t blocks = f->device->driver->fcp_blocks;
    return blocks == 0 ? GROUP : GROUP * (blocks / f->bytes);
}

static parseal_status mask_elements(const fcp_work *w, const gpu_stream *s, const gpu_place *to,
                                    uint64_t begin, uint64_t n)
{
    const uint64_t each = item_size(w->fcp);
    gpu_launch launch;
    TRY(derive(w->fcp, s));
    gpu_launch_begin(&launch, w->fcp->device, GPU_FCP,
                     w->ring.element_size == 4 ? "fcp_mask32" : "fcp_mask64");
    gpu_arg_memory(&launch, w->fcp->list);
    gpu_arg_u32(&launch, (uint32_t)w->fcp->n);
    gpu_arg_value(&launch, &w->ring, sizeof w->ring);
    gpu_arg_u32(&launch, w->fcp->bytes);
    gpu_arg_place(&launch, to);
    gpu_arg_u64(&launch, begin);
    gpu_arg_u64(&launch, n);
    gpu_arg_u32(&launch, w->write);
    return gpu_launch_run(&launch, s, n == 0 ? 0 : (begin + n - 1) / each - begin / each + 1);
}

/* A set of fcp has no list of seeds that take the call's number. */
static parseal_status fcp_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                uint64_t first, uint64_t n)
{
    const fcp_work *w = arg;
    const gpu_fcp *f = w->fcp;
    TRY(gpu_numbers_next(&f->numbers, f->device, s, f->list, 0));
    return gpu_numbers_end(&f->numbers, f->device, s, &places[0], n * w->ring.element_size,
                           mask_elements(w, s, &places[0], w->first + first, n));
}

parseal_status gpu_fcp_apply(const parseal_device *device, const backend_fcp *fcp,
                             const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                             bool write, void *stream)
{
    const gpu_operand operand = {&acc->buf, 8 * ring->element_size, !write, true};
    fcp_work work = {fcp_of(fcp), gpu_ring(ring), first, write};
    if (work.fcp->n > 0 && work.fcp->numbers.state == 0)
        TRY(gpu_refuse_capture(gpu_of(device), stream,
                               "each replay would use the same masks: give a set that counts "
                               "(parseal_fcp_seeds_create_counting)"));
    return gpu_for_elements(gpu_of(device), stream, work.fcp->uses, &operand, 1, acc->n, fcp_piece,
                            &work);
}
