/* Memory for vectors that outlive a call, and adding updates to them. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fallback/backend/cpu_aead.h"
#include "fallback/batch/accumulate.h"

static parseal_status memory_create(const parseal_device *device, uint64_t size,
                                    parseal_buf *memory)
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

static void memory_destroy(const parseal_device *device, parseal_buf *memory)
{
    (void)device;
    if (memory->handle == 0)
        return;
    sodium_memzero(cpu_address(memory), (size_t)memory->size);
    free(cpu_address(memory));
    *memory = (parseal_buf){0};
}

static parseal_status memory_read(const parseal_device *device, const parseal_buf *memory, void *to)
{
    (void)device;
    memcpy(to, cpu_address(memory), (size_t)memory->size);
    return PARSEAL_OK;
}

static parseal_status memory_write(const parseal_device *device, const parseal_buf *memory,
                                   const void *from)
{
    (void)device;
    memcpy(cpu_address(memory), from, (size_t)memory->size);
    return PARSEAL_OK;
}

const memory_family cpu_memory_family = {
    .create = memory_create,
    .destroy = memory_destroy,
    .read = memory_read,
    .write = memory_write,
};

parseal_status cpu_accumulate(const parseal_device *device, const backend_keys *keys,
                              parseal_msg *msgs, size_t n, const parseal_sink *sink, bool *changed)
{
    const msg_source source = {cpu_keys_of(keys), msgs, false};
    const accumulation a = {.aead = source.keys->impl,
                            .pack = cpu_of(device)->chosen.pack,
                            .sum = cpu_of(device)->chosen.sum,
                            .threads = cpu_threads(device),
                            .modulus = sink->ring->modulus,
                            .element_size = sink->ring->element_size,
                            .bits = sink->bits,
                            .acc = cpu_address(&sink->acc->buf),
                            .count = sink->acc->n};
    cpu_item *items = malloc((n + 1) * sizeof *items);
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
