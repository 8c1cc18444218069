/* Key sets of the CPU, and batches of messages under them. */
#ifndef PARSEAL_FALLBACK_BACKEND_CPU_AEAD_H
#define PARSEAL_FALLBACK_BACKEND_CPU_AEAD_H

#include "fallback/backend/cpu_device.h"
#include "fallback/impl.h"

typedef struct {
    const aead_impl *impl;
    size_t nonce_size; /* bytes */
    arena_lease lease;
    const uint8_t *expanded; /* what is in the lease */
} cpu_keys;

static inline const cpu_keys *cpu_keys_of(const backend_keys *keys)
{
    return (const cpu_keys *)keys;
}

static inline const void *key_at(const cpu_keys *keys, uint32_t index)
{
    return keys->expanded + (size_t)index * keys->impl->key_size;
}

typedef struct {
    const cpu_keys *keys;
    parseal_msg *msgs;
    bool past_caches;
} msg_source;

/* Fills items with messages of a msg_source, from `first` on. */
void cpu_msg_items(const void *source, size_t first, size_t n, cpu_item *items);

/* This is aead_family.accumulate of host/backend/backend.h (cpu_aggregate.c). */
parseal_status cpu_accumulate(const parseal_device *device, const backend_keys *keys,
                              parseal_msg *msgs, size_t n, const parseal_sink *sink, bool *changed);

#endif
