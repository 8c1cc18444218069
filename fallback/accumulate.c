#include "fallback/accumulate.h"

#include <sodium.h>
#include <string.h>

#include "fallback/threads.h"
#include "fallback/wipe.h"

/* Bytes of elements: a task's part of acc stays in the second-level cache while all items are added
 * to it; what is decrypted and unpacked of TOGETHER items at a time in the first. Either is whole
 * AES blocks of any bit width. */
enum { REGION = 128 * 1024, PART = 8 * 1024, TOGETHER = 4 };

typedef struct {
    const accumulation *a;
    const update_item *items;
    size_t n;
} job;

/* Of TOGETHER items. The vector code reads whole registers. */
typedef struct {
    _Alignas(64) uint8_t decrypted[TOGETHER][PART];
    _Alignas(64) uint8_t unpacked[TOGETHER][PART];
} scratch;

/* Elements [first, first + n) of an item. */
static const uint8_t *elements_of(const accumulation *a, const update_item *item, uint64_t first,
                                  size_t n, uint8_t *decrypted, uint8_t *unpacked)
{
    const uint64_t at = first / 8 * a->bits;
    const size_t size = n / 8 * a->bits + (n % 8 * a->bits + 7) / 8;
    const uint8_t *bytes = item->in + at;
    if (item->key != NULL) {
        a->gcm->ctr(item->key, item->nonce, (uint32_t)(2 + at / 16), bytes, decrypted, size, false);
        bytes = decrypted;
    }
    if (a->bits == 8 * a->element_size) {
        if ((uintptr_t)bytes % a->element_size == 0)
            return bytes;
        memcpy(decrypted, bytes, size);
        return decrypted;
    }
    a->pack->unpack(a->bits, a->element_size, bytes, unpacked, n);
    return unpacked;
}

/* n items, at most TOGETHER, of which `count` elements from `first` on. */
static void add_part(const accumulation *a, const update_item *items, size_t n, uint64_t first,
                     size_t count, scratch *s)
{
    const void *elements[TOGETHER];
    for (size_t k = 0; k < n; k++)
        elements[k] = elements_of(a, &items[k], first, count, s->decrypted[k], s->unpacked[k]);
    a->vec->sum(a->modulus, a->element_size, a->acc + first * a->element_size, elements, n, 0,
                count);
}

/* Items are gone through in their own order, a long run of each: memory is faster for it. */
static void add_region(void *arg, size_t r)
{
    const job *j = arg;
    const accumulation *a = j->a;
    const uint64_t region = REGION / a->element_size, part = PART / a->element_size;
    const uint64_t begin = r * region, left = a->count - begin;
    const uint64_t end = begin + (left < region ? left : region);
    scratch s;
    for (size_t i = 0; i < j->n; i += TOGETHER) {
        const size_t n = j->n - i < TOGETHER ? j->n - i : TOGETHER;
        for (uint64_t first = begin; first < end; first += part)
            add_part(a, j->items + i, n, first, (size_t)(end - first < part ? end - first : part),
                     &s);
    }
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

void accumulate_items(const accumulation *a, const update_item *items, size_t n)
{
    job j = {a, items, n};
    const uint64_t region = REGION / a->element_size;
    if (n > 0)
        threads_for(a->threads, (size_t)((a->count + region - 1) / region), add_region, &j);
}
