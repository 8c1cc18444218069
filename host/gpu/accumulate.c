/* Adding updates to a vector on the device. */
#include <stdlib.h>

#include "host/gpu/batch.h"
#include "host/gpu/vectors.h"

static parseal_status add_plain(const void *device, const parseal_msg *msgs, size_t n,
                                const parseal_ring *ring, uint32_t bits, const parseal_vec *acc)
{
    parseal_buf *packed = calloc(n + 1, sizeof *packed);
    if (packed == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu updates", n);
    for (size_t i = 0; i < n; i++)
        packed[i] = parseal_host_buf(msgs[i].in, msgs[i].len);
    const parseal_status status = gpu_packed_sum(device, bits, ring, acc, packed, n, NULL);
    free(packed);
    return status;
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
