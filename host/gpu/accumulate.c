/* Adding updates to a vector on the device. */
#include "host/gpu/batch.h"
#include "host/gpu/vectors.h"

static parseal_vec host_vec(const parseal_msg *m, uint64_t n)
{
    return (parseal_vec){parseal_host_buf(m->in, m->len), n};
}

/* Unpacks one after the other on the device, and adds it there. */
static parseal_status add_packed(const void *device, const parseal_msg *msgs, size_t n,
                                 const parseal_ring *ring, uint32_t bits, const parseal_vec *acc)
{
    parseal_vec elements = {.n = acc->n};
    TRY(gpu_memory_create(device, acc->buf.size, &elements.buf));
    parseal_status status = PARSEAL_OK;
    for (size_t i = 0; i < n && status == PARSEAL_OK; i++) {
        const parseal_buf packed = parseal_host_buf(msgs[i].in, msgs[i].len);
        status = gpu_pack(device, bits, ring->element_size, &elements, &packed, true, NULL);
        if (status == PARSEAL_OK)
            status = gpu_vec_sum(device, ring, acc, &elements, 1, NULL);
    }
    gpu_memory_destroy(device, &elements.buf);
    return status;
}

static parseal_status add_plain(const void *device, const parseal_msg *msgs, size_t n,
                                const parseal_ring *ring, uint32_t bits, const parseal_vec *acc)
{
    if (bits != 8 * ring->element_size)
        return add_packed(device, msgs, n, ring, bits, acc);
    for (size_t i = 0; i < n; i++) {
        const parseal_vec v = host_vec(&msgs[i], acc->n);
        TRY(gpu_vec_sum(device, ring, acc, &v, 1, NULL));
    }
    return PARSEAL_OK;
}

parseal_status gpu_accumulate(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                              const parseal_ring *ring, uint32_t bits, const parseal_vec *acc)
{
    const gpu_sink sink = {ring, bits, acc};
    if (keys != NULL)
        return gpu_open_into(keys, msgs, n, &sink);
    TRY(add_plain(device, msgs, n, ring, bits, acc));
    for (size_t i = 0; i < n; i++)
        msgs[i].status = PARSEAL_ITEM_OK;
    return PARSEAL_OK;
}
