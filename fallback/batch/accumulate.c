/* Sealed updates are taken in pairs: while a pair that has been found authentic is decrypted and
 * added, region by region of the vector, the next one is hashed, which uses other units of the core
 * and reads it ahead. Each region of an update has a hash of its own; once all are there, they
 * decide on the pair (aead.c). Whole elements mod a power of two are added in the cipher's own
 * registers; others pass through the first-level cache.
 */
#include "fallback/batch/accumulate.h"

#include <sodium.h>
#include <string.h>

#include "fallback/batch/aead.h"
#include "host/support/threads.h"
#include "host/support/wipe.h"
#include "parseal/parseal.h"

/* PART bytes of elements are decrypted and unpacked at a time, in the first-level cache and on a
 * stack of 64 KiB. A region of acc, REGION_PARTS of them, stays in the second-level cache while a
 * pair is added to it. With any bit width both are whole AES blocks of an update. Vectors above
 * NEAR bytes come from memory each time. */
enum { PART = 8 * 1024, REGION_PARTS = 64, TOGETHER = 2, NEAR = 512 * 1024 };

typedef struct {
    const accumulation *a;
    const cpu_item *items, *next; /* the pair that is added, and the pair that is hashed */
    size_t n, n_next;
    bool far;               /* updates are longer than a cache */
    uint64_t regions;       /* number of regions of the vector */
    uint8_t (*partial)[16]; /* [next item][region]: the hash */
} job;

/* Parts of TOGETHER items, and one that is packed. They are aligned as the vector code reads whole
 * registers. */
typedef struct {
    _Alignas(64) uint8_t elements[TOGETHER][PART];
    _Alignas(64) uint8_t packed[PART];
} scratch;

/* Elements [first, first + n) of the vector, and their bytes in an update. */
typedef struct {
    uint64_t first;
    size_t n;
    uint64_t at; /* bytes before the piece */
    size_t size;
} piece;

/* ------------------------------------------------------------------------------------- sizes -- */

static uint64_t part_elements(const accumulation *a)
{
    return PART / a->element_size;
}

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* Returns the elements of a region: short vectors are cut finer, so that each thread has some. */
static uint64_t region_elements(const accumulation *a)
{
    const uint64_t parts = ceil_div(a->count, part_elements(a));
    const uint64_t share = a->threads > 1 ? ceil_div(parts, 4 * (uint64_t)a->threads) : parts;
    return (share < REGION_PARTS ? share : REGION_PARTS) * part_elements(a);
}

static uint64_t packed_size(const accumulation *a, uint64_t n)
{
    return n / 8 * a->bits + (n % 8 * a->bits + 7) / 8;
}

static piece piece_at(const accumulation *a, uint64_t first, uint64_t end)
{
    const uint64_t left = end - first, part = part_elements(a);
    const uint64_t n = left < part ? left : part;
    return (piece){first, (size_t)n, packed_size(a, first), (size_t)packed_size(a, n)};
}

size_t accumulate_work_size(const accumulation *a)
{
    return 16 * TOGETHER * (size_t)ceil_div(a->count, region_elements(a));
}

/* --------------------------------------------------------------------------------- one piece -- */

/* Hashes a piece of `next` unless that is NULL, and decrypts a piece of `item` if it is to be
 * added. */
static void open_piece(const job *j, bool add, const cpu_item *item, const cpu_item *next,
                       uint8_t y[16], const piece *p, uint8_t *decrypted)
{
    const aead_impl *aead = j->a->aead;
    if (add && next != NULL)
        aead->parts->open_beside_hash(aead, item, decrypted, j->far, next, p->at, p->size, y);
    else if (add)
        aead->parts->open_part(aead, item, p->at, p->size, decrypted, false);
    else if (next != NULL)
        aead->parts->hash_part(aead, next, p->at, p->size, y);
}

static void add_elements(const accumulation *a, const piece *p, const void *const *elements,
                         size_t n)
{
    if (n > 0)
        a->sum->sum(a->modulus, a->element_size, a->acc + p->first * a->element_size, elements, n,
                    0, p->n);
}

/* ------------------------------------------------------------------------------------ sealed -- */

/* Returns true when the pair that is added has a k-th item and that is authentic. */
static bool is_added(const job *j, size_t k)
{
    return k < j->n && *j->items[k].verdict == PARSEAL_ITEM_OK;
}

static const cpu_item *hashed(const job *j, size_t k)
{
    return k < j->n_next ? &j->next[k] : NULL;
}

static void sealed_piece(const job *j, size_t region, const piece *p, scratch *s)
{
    const accumulation *a = j->a;
    const bool packed = a->bits != 8 * a->element_size;
    const void *elements[TOGETHER];
    size_t n = 0;
    for (size_t k = 0; k < TOGETHER; k++) {
        open_piece(j, is_added(j, k), j->items + k, hashed(j, k),
                   j->partial[k * j->regions + region], p, packed ? s->packed : s->elements[k]);
        if (!is_added(j, k))
            continue;
        if (packed)
            a->pack->unpack(a->bits, a->element_size, s->packed, s->elements[k], p->n);
        elements[n++] = s->elements[k];
    }
    add_elements(a, p, elements, n);
}

static void sealed_pieces(const job *j, size_t r, uint64_t begin, uint64_t end)
{
    scratch s;
    for (uint64_t first = begin; first < end; first += part_elements(j->a)) {
        const piece p = piece_at(j->a, first, end);
        sealed_piece(j, r, &p, &s);
    }
    wipe_stack(); /* The caller's own wipe would not reach below s, which is too large. */
    sodium_memzero(&s, sizeof s);
}

static bool adds_in_registers(const accumulation *a)
{
    return a->aead->parts->add_beside_hash != NULL && a->bits == 8 * a->element_size &&
           (a->modulus & (a->modulus - 1)) == 0;
}

static void sealed_run(const job *j, size_t r, size_t k, uint64_t first, uint64_t n)
{
    const accumulation *a = j->a;
    const cpu_item *item = j->items + k, *next = hashed(j, k);
    const uint64_t at = first * a->element_size;
    const size_t size = (size_t)(n * a->element_size);
    uint8_t *y = j->partial[k * j->regions + r];
    if (is_added(j, k))
        a->aead->parts->add_beside_hash(a->aead, item, a->acc + at, a->element_size, a->modulus - 1,
                                        next, at, size, y);
    else if (next != NULL)
        a->aead->parts->hash_part(a->aead, next, at, size, y);
}

static void sealed_region(void *arg, size_t r)
{
    const job *j = arg;
    const uint64_t region = region_elements(j->a), begin = r * region, left = j->a->count - begin;
    const uint64_t n = left < region ? left : region;
    if (!adds_in_registers(j->a))
        sealed_pieces(j, r, begin, begin + n);
    for (size_t k = 0; adds_in_registers(j->a) && k < TOGETHER; k++)
        sealed_run(j, r, k, begin, n);
    wipe_stack();
}

/* Each round adds the pair that the round before has hashed. So the first round only hashes, and
 * the last one only adds. */
void accumulate_items(const accumulation *a, const cpu_item *items, size_t n, void *work)
{
    job j = {.a = a,
             .items = items,
             .next = items,
             .far = a->count * a->element_size > NEAR,
             .regions = ceil_div(a->count, region_elements(a)),
             .partial = work};
    while (j.next + j.n_next < items + n || j.n_next > 0) {
        j.items = j.next;
        j.n = j.n_next;
        j.next += j.n_next;
        const size_t left = (size_t)(items + n - j.next);
        j.n_next = left < TOGETHER ? left : TOGETHER;
        memset(work, 0, 16 * j.n_next * (size_t)j.regions);
        threads_for(a->threads, (size_t)j.regions,
                    (j.n + j.n_next) * (size_t)packed_size(a, region_elements(a)), sealed_region,
                    &j);
        for (size_t k = 0; k < j.n_next; k++)
            aead_decide(a->aead, &j.next[k], packed_size(a, region_elements(a)),
                        (const uint8_t(*)[16])(j.partial + k * j.regions));
    }
    wipe_stack();
    sodium_memzero(work, accumulate_work_size(a));
}
