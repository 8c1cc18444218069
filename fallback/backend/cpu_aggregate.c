/* Memory that vectors live in from call to call, and adding updates to them. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fallback/backend/cpu_aead.h"
#include "fallback/batch/accumulate.h"

parseal_status cpu_memory_create(const void *device, uint64_t size, parseal_buf *memory)
{
    void *p = NULL;
    (void)device;
    if (size <= SIZE_MAX - 64)
        p = aligned_alloc(64, (size_t)(size + 63) / 64 * 64);
    if (p == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for a vector of %llu bytes",
                            (unsigned long long)size);
    memset(p, 0, (size_t)size);
    *memory = parseal_host_buf(p, size);
    return PARSEAL_OK;
}

void cpu_memory_destroy(const void *device, parseal_buf *memory)
{
    (void)device;
    if (memory->handle == 0)
        return;
    sodium_memzero(cpu_address(memory), (size_t)memory->size);
    free(cpu_address(memory));
    *memory = (parseal_buf){0};
}

parseal_status cpu_memory_read(const void *device, const parseal_buf *memory, void *to)
{
    (void)device;
    memcpy(to, cpu_address(memory), (size_t)memory->size);
    return PARSEAL_OK;
}

parseal_status cpu_memory_write(const void *device, const parseal_buf *memory, const void *from)
{
    (void)device;
    memcpy(cpu_address(memory), from, (size_t)memory->size);
    return PARSEAL_OK;
}

/* What is not sealed is a packed vector. */
static parseal_status add_plain(const void *device, parseal_msg *msgs, size_t n,
                                const parseal_sink *sink, bool *changed)
{
    parseal_buf *packed = calloc(n + 1, sizeof *packed);
    if (packed == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu updates", n);
    for (size_t i = 0; i < n; i++)
        packed[i] = parseal_host_buf(msgs[i].in, msgs[i].len);
    const parseal_status status =
        cpu_packed_sum(device, sink->bits, sink->ring, sink->acc, packed, n, NULL);
    free(packed);
    *changed = status == PARSEAL_OK;
    for (size_t i = 0; *changed && i < n; i++)
        msgs[i].status = PARSEAL_ITEM_OK;
    return status;
}

parseal_status cpu_accumulate(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                              const parseal_sink *sink, bool *changed)
{
    if (keys == NULL)
        return add_plain(device, msgs, n, sink, changed);
    const msg_source source = {keys, msgs, false};
    const accumulation a = {.gcm = source.keys->impl,
                            .pack = CHOSEN(device, PARSEAL_PRIMITIVE_PACK, pack_impl),
                            .sum = CHOSEN(device, PARSEAL_PRIMITIVE_VEC_SUM, sum_impl),
                            .threads = cpu_threads(device),
                            .modulus = sink->ring->modulus,
                            .element_size = sink->ring->element_size,
                            .bits = sink->bits,
                            .acc = cpu_address(&sink->acc->buf),
                            .count = sink->acc->n};
    gcm_item *items = malloc((n + 1) * sizeof *items);
    void *work = malloc(accumulate_work_size(&a));
    const bool enough = items != NULL && work != NULL;
    if (enough) {
        cpu_msg_items(&source, 0, n, items);
        accumulate_items(&a, items, n, work);
        *changed = true;
    }
    free(items);
    free(work);
    return enough ? PARSEAL_OK
                  : parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu updates", n);
}
