/* Masks of parseal/fcp.h on a GPU, for powers of two: there nothing is rejected, so each element
 * has a known place in the keystream, and each item of the kernel makes its own elements. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

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
} gpu_fcp;

static const gpu_fcp *fcp_of(const backend_fcp *fcp)
{
    return (const gpu_fcp *)fcp;
}

static void free_fcp(gpu_fcp *f)
{
    if (f == NULL)
        return;
    gpu_uses_close(f->uses); /* What is still masked would else get AES under a key of zeros. */
    if (f->device != NULL)
        gpu_wipe_and_free(f->device, f->list, f->n * sizeof(fcp_key));
    free(f);
}

static parseal_status upload_and_expand(gpu_fcp *f, const fcp_key *keys)
{
    const gpu_device *d = f->device;
    const gpu_stream own = d->own;
    gpu_launch launch;
    TRY(gpu_write_now(d, &own, f->list, 0, keys, f->n * sizeof *keys));
    gpu_launch_begin(&launch, d, GPU_FCP, "fcp_expand");
    gpu_arg_memory(&launch, f->list);
    gpu_arg_u32(&launch, (uint32_t)f->n);
    TRY(gpu_launch_run(&launch, &own, f->n));
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

static parseal_status fcp_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                uint64_t first, uint64_t n)
{
    const fcp_work *w = arg;
    const uint64_t begin = w->first + first, each = item_size(w->fcp);
    gpu_launch launch;
    gpu_launch_begin(&launch, w->fcp->device, GPU_FCP,
                     w->ring.element_size == 4 ? "fcp_mask32" : "fcp_mask64");
    gpu_arg_memory(&launch, w->fcp->list);
    gpu_arg_u32(&launch, (uint32_t)w->fcp->n);
    gpu_arg_value(&launch, &w->ring, sizeof w->ring);
    gpu_arg_u32(&launch, w->fcp->bytes);
    gpu_arg_place(&launch, &places[0]);
    gpu_arg_u64(&launch, begin);
    gpu_arg_u64(&launch, n);
    gpu_arg_u32(&launch, w->write);
    return gpu_launch_run(&launch, s, n == 0 ? 0 : (begin + n - 1) / each - begin / each + 1);
}

parseal_status gpu_fcp_apply(const parseal_device *device, const backend_fcp *fcp,
                             const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                             bool write, void *stream)
{
    const gpu_operand operand = {&acc->buf, 8 * ring->element_size, !write, true};
    fcp_work work = {fcp_of(fcp), gpu_ring(ring), first, write};
    return gpu_for_elements(gpu_of(device), stream, work.fcp->uses, &operand, 1, acc->n, fcp_piece,
                            &work);
}
