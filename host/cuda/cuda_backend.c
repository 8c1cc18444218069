/* CUDA behind host/backend/backend.h: CUDA buffers where they are, HOST buffers through the device. Every
 * function makes the device's primary context current for as long as it runs. */
#include <inttypes.h>
#include <stdlib.h>

#include "host/cuda/device.h"
#include "host/gpu/aead.h"
#include "host/gpu/vectors.h"

static parseal_status enter(const cuda_device *d)
{
    CU_TRY(&d->api, CtxPushCurrent, (d->context));
    return PARSEAL_OK;
}

static void leave(const cuda_device *d)
{
    cu_context other;
    (void)d->api.CtxPopCurrent(&other);
}

/* The status of a call that is made in the device's context. */
#define INSIDE(device, call)                       \
    do {                                           \
        const cuda_device *inside = (device);      \
        TRY(enter(inside));                        \
        const parseal_status inside_status = call; \
        leave(inside);                             \
        return inside_status;                      \
    } while (0)

/* What is let go of even where the context cannot be had: the driver then refuses by itself. */
#define LET_GO_INSIDE(device, call)                       \
    do {                                                  \
        const cuda_device *inside = (device);             \
        const bool entered = enter(inside) == PARSEAL_OK; \
        call;                                             \
        if (entered)                                      \
            leave(inside);                                \
    } while (0)

/* Work on streams of the callers' may still use what goes, and nothing on our own stream waits for
 * it: keys would be wiped under a message that is being sealed, whose rest would then be sealed
 * under zeros. */
#define DESTROY_INSIDE(device, call) LET_GO_INSIDE(device, (void)inside->api.CtxSynchronize(); call)

/* ------------------------------------------------------------------------------------ device -- */

/* Its context is current, and still is afterwards. */
static void close_inside(cuda_device *d)
{
    if (d->state != NULL) {
        (void)cuda_kernel_seconds(d); /* lets go of what is noted */
        gpu_shared_close(&d->gpu);
        free(d->state);
    }
    if (d->gpu.own.handle != NULL)
        cuda_driver.stream_close(&d->gpu, &d->gpu.own);
    cuda_unload(d);
}

static void release(cuda_device *d)
{
    (void)d->api.DevicePrimaryCtxRelease(d->id);
    cu_api_unload(&d->api);
    free(d);
}

static void device_close(void *device)
{
    cuda_device *d = device;
    if (d == NULL)
        return;
    DESTROY_INSIDE(d, close_inside(d));
    release(d);
}

static parseal_status open_inside(cuda_device *d)
{
    TRY(cuda_load(d));
    TRY(cuda_driver.stream_open(&d->gpu, &d->gpu.own));
    TRY(gpu_shared_open(&d->gpu));
    d->state = calloc(1, sizeof *d->state);
    if (d->state != NULL)
        return PARSEAL_OK;
    gpu_shared_close(&d->gpu);
    return parseal_fail(PARSEAL_ERR_NO_MEMORY, "cuda: out of memory");
}

static parseal_status device_open(void **device, const parseal_request *request)
{
    cuda_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "cuda: out of memory");
    parseal_status status = cuda_choose(d, request);
    if (status != PARSEAL_OK) {
        free(d);
        return status;
    }
    status = open_inside(d);
    if (status != PARSEAL_OK)
        close_inside(d);
    leave(d);
    if (status != PARSEAL_OK) {
        release(d);
        return status;
    }
    *device = d;
    return PARSEAL_OK;
}

static const char *device_name(const void *device)
{
    return ((const cuda_device *)device)->gpu.name;
}

/* The device has its own. */
static uint32_t device_threads(const void *device)
{
    (void)device;
    return 0;
}

static double kernel_seconds(const void *device)
{
    const cuda_device *d = device;
    double seconds;
    LET_GO_INSIDE(d, seconds = cuda_kernel_seconds(d));
    return seconds;
}

static size_t impl_count(const void *device, int32_t primitive)
{
    (void)device;
    (void)primitive;
    return 1;
}

static parseal_impl_entry impl_entry(const void *device, int32_t primitive, size_t index)
{
    (void)device;
    (void)primitive;
    (void)index;
    return (parseal_impl_entry){"cuda", NULL, PARSEAL_USABLE};
}

static void impl_use(void *device, int32_t primitive, size_t index)
{
    (void)device;
    (void)primitive;
    (void)index;
}

static bool accepts(uint32_t buf_kind)
{
    return buf_kind == PARSEAL_BUF_HOST || buf_kind == PARSEAL_BUF_CUDA;
}

/* The driver says which device a pointer belongs to. */
static parseal_status buf_check(const void *device, const char *name, const parseal_buf *buf)
{
    const cuda_device *d = device;
    int ordinal = -1;
    unsigned type = 0;
    const cu_pointer at = (cu_pointer)buf->handle + buf->offset;
    if (d->api.PointerGetAttribute(&type, CU_POINTER_MEMORY_TYPE, at) != CU_OK ||
        type != CU_MEMORY_DEVICE)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: not a CUdeviceptr", name);
    if (d->api.PointerGetAttribute(&ordinal, CU_POINTER_DEVICE_ORDINAL, at) != CU_OK ||
        ordinal != d->ordinal)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: of device %d, not of device %d", name,
                            ordinal, d->ordinal);
    return PARSEAL_OK;
}

/* ---------------------------------------------------------------------------------- the calls --
 */

static parseal_status keys_create(void **keys, const void *device, int32_t alg,
                                  const uint8_t *bytes, size_t n)
{
    INSIDE(device, gpu_keys_create(keys, device, alg, bytes, n));
}

static void keys_destroy(void *keys)
{
    if (keys != NULL)
        DESTROY_INSIDE(cuda_of(((gpu_keys *)keys)->device), gpu_keys_destroy(keys));
}

static parseal_status seeds_create(void **seeds, const void *device, const parseal_seed *list,
                                   size_t n)
{
    INSIDE(device, gpu_seeds_create(seeds, device, list, n));
}

static void seeds_destroy(void *seeds)
{
    if (seeds != NULL)
        DESTROY_INSIDE(cuda_of(gpu_seeds_device(seeds)), gpu_seeds_destroy(seeds));
}

static parseal_status fcp_create(void **fcp, const void *device, uint64_t modulus,
                                 const uint8_t *keys, const int32_t *signs, size_t n)
{
    INSIDE(device, gpu_fcp_create(fcp, device, modulus, keys, signs, n));
}

static void fcp_destroy(void *fcp)
{
    if (fcp != NULL)
        LET_GO_INSIDE(cuda_of(gpu_fcp_device(fcp)), gpu_fcp_destroy(fcp));
}

static parseal_status batch_run(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                                bool open)
{
    INSIDE(device, gpu_batch_run(device, keys, msgs, n, open));
}

static parseal_status memory_create(const void *device, uint64_t size, parseal_buf *memory)
{
    INSIDE(device, gpu_memory_create(device, size, memory));
}

static void memory_destroy(const void *device, parseal_buf *memory)
{
    LET_GO_INSIDE(device, gpu_memory_destroy(device, memory));
}

static parseal_status memory_read(const void *device, const parseal_buf *memory, void *to)
{
    INSIDE(device, gpu_memory_read(device, memory, to));
}

static parseal_status memory_write(const void *device, const parseal_buf *memory, const void *from)
{
    INSIDE(device, gpu_memory_write(device, memory, from));
}

static parseal_status accumulate(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                                 const parseal_sink *sink, bool *changed)
{
    INSIDE(device, gpu_accumulate(device, keys, msgs, n, sink, changed));
}

static parseal_status plan_create(void **plan, const void *device, const void *keys,
                                  const parseal_aead_shape *shape)
{
    INSIDE(device, gpu_plan_create(plan, device, keys, shape));
}

static void plan_destroy(void *plan)
{
    if (plan != NULL)
        DESTROY_INSIDE(cuda_of(gpu_plan_device(plan)), gpu_plan_destroy(plan));
}

static parseal_status plan_run(const void *plan, const parseal_aead_io *io, bool open, void *stream)
{
    INSIDE(cuda_of(gpu_plan_device(plan)), gpu_plan_run(plan, io, open, stream));
}

static parseal_status mask(const void *device, const void *seeds, const parseal_ring *ring,
                           const parseal_vec *acc, uint64_t first, bool write, void *stream)
{
    INSIDE(device, gpu_mask(device, seeds, ring, acc, first, write, stream));
}

static parseal_status fcp_mask(const void *device, const void *fcp, const parseal_ring *ring,
                               const parseal_vec *acc, uint64_t first, bool write, void *stream)
{
    INSIDE(device, gpu_fcp_mask(device, fcp, ring, acc, first, write, stream));
}

static parseal_status vec_sum(const void *device, const parseal_ring *ring, const parseal_vec *acc,
                              const parseal_vec *v, size_t n, void *stream)
{
    INSIDE(device, gpu_vec_sum(device, ring, acc, v, n, stream));
}

static parseal_status quantize(const void *device, const parseal_quant *quant, float scale,
                               const parseal_vec *x, const parseal_vec *q, const void *seeds,
                               uint64_t first, const parseal_buf *nonfinite, void *stream)
{
    INSIDE(device, gpu_quantize(device, quant, scale, x, q, seeds, first, nonfinite, stream));
}

static parseal_status dequantize(const void *device, uint32_t element_size, const parseal_vec *sum,
                                 double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream)
{
    INSIDE(device, gpu_dequantize(device, element_size, sum, step, n_clients, clip, mean, stream));
}

static parseal_status pack(const void *device, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    INSIDE(device, gpu_pack(device, bits, element_size, elements, packed, unpack, stream));
}

static parseal_status packed_sum(const void *device, uint32_t bits, const parseal_ring *ring,
                                 const parseal_vec *acc, const parseal_buf *packed, size_t n,
                                 void *stream)
{
    INSIDE(device, gpu_packed_sum(device, bits, ring, acc, packed, n, stream));
}

const parseal_backend parseal_cuda_backend = {
    .id = PARSEAL_BACKEND_CUDA,
    .has_streams = true,
    .has_long_kernels = true,
    .device_open = device_open,
    .device_close = device_close,
    .device_name = device_name,
    .device_threads = device_threads,
    .kernel_seconds = kernel_seconds,
    .impl_count = impl_count,
    .impl_entry = impl_entry,
    .impl_use = impl_use,
    .accepts = accepts,
    .buf_check = buf_check,
    .keys_create = keys_create,
    .keys_destroy = keys_destroy,
    .seeds_create = seeds_create,
    .seeds_destroy = seeds_destroy,
    .fcp_create = fcp_create,
    .fcp_destroy = fcp_destroy,
    .batch_run = batch_run,
    .memory_create = memory_create,
    .memory_destroy = memory_destroy,
    .memory_read = memory_read,
    .memory_write = memory_write,
    .accumulate = accumulate,
    .plan_create = plan_create,
    .plan_destroy = plan_destroy,
    .plan_workspace_size = gpu_plan_workspace_size,
    .plan_run = plan_run,
    .mask = mask,
    .fcp_mask = fcp_mask,
    .vec_sum = vec_sum,
    .quantize = quantize,
    .dequantize = dequantize,
    .pack = pack,
    .packed_sum = packed_sum,
};
