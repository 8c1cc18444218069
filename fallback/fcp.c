#include "fallback/fcp.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fallback/threads.h"
#include "fallback/wipe.h"

/* A tile's elements are TILE bytes; their candidates, with those that are passed over, at most
 * STREAM. */
enum { TILE = 8192, STREAM = 2 * TILE + 1024, BLOCK = 16 };

typedef struct {
    uint8_t sum[TILE + FCP_SLACK], elements[TILE + FCP_SLACK], stream[STREAM + FCP_SLACK];
} scratch;

typedef struct {
    const fcp_set *set;
    const vec_impl *vec;
    uint8_t *acc;
    uint64_t first, count;
    bool write;
} job;

fcp_format fcp_format_of(uint64_t modulus)
{
    fcp_format f = {.modulus = modulus, .low_bits = modulus - 1};
    for (int shift = 1; shift < 64; shift <<= 1)
        f.low_bits |= f.low_bits >> shift;
    f.rejected = f.low_bits + 1 - modulus;
    for (uint64_t x = f.low_bits; x != 0; x >>= 8)
        f.bytes++;
    f.element_size = f.bytes <= 4 ? 4 : 8;
    return f;
}

static const void *key_at(const fcp_set *set, size_t j)
{
    return set->keys + j * set->impl->key_size;
}

/* Candidates from one on, for `count` of them: where the first one lies in `stream`. */
static const uint8_t *expand(const fcp_set *set, size_t j, uint64_t candidate, size_t count,
                             uint8_t *stream)
{
    const uint64_t byte = candidate * set->format.bytes;
    const size_t into = (size_t)(byte % BLOCK), bytes = into + count * set->format.bytes;
    set->impl->keystream(key_at(set, j), (uint32_t)(byte / BLOCK), stream,
                         (bytes + BLOCK - 1) / BLOCK);
    return stream + into;
}

/* The tile's sum, in [0, R) or a number that is the same mod R, to n elements of acc. */
static void add_tile(const job *w, const uint8_t *sum, uint64_t begin, size_t n)
{
    const fcp_format *f = &w->set->format;
    uint8_t *p = w->acc + begin * f->element_size;
    const void *const inputs[] = {sum};
    if (w->write)
        memset(p, 0, n * f->element_size);
    w->vec->sum(f->modulus, f->element_size, p, inputs, 1, 0, n);
}

/* ------------------------------------------------------------------------------ powers of two --
 */

static void power_of_two_tile(void *arg, size_t i)
{
    const job *w = arg;
    const fcp_format *f = &w->set->format;
    const size_t whole = TILE / f->element_size;
    const uint64_t begin = (uint64_t)i * whole, left = w->count - begin;
    const size_t n = left < whole ? (size_t)left : whole;
    scratch s;
    memset(s.sum, 0, sizeof s.sum);
    for (size_t j = 0; j < w->set->n; j++) {
        const uint8_t *stream = expand(w->set, j, w->first + begin, n, s.stream);
        w->set->impl->add_candidates(f, w->set->signs[j] < 0, stream, s.sum, n);
    }
    add_tile(w, s.sum, begin, n);
    sodium_memzero(s.sum, sizeof s.sum);
    sodium_memzero(s.stream, sizeof s.stream);
    wipe_stack();
}

/* ---------------------------------------------------------------------------- other moduli -- */

/* Where an element lies depends on how many candidates before it are passed over, so a key's
 * elements come one after the other. For several threads the vector is cut into ranges. How many
 * elements there are in each of a key's segments of keystream is counted first; a range then
 * begins in the segment that its first element lies in. */

enum { GROUP = 1024 }; /* keys at once: what is counted is kept for so many */

typedef struct {
    job w;
    size_t key, n_keys; /* a group of the set's */
    size_t ranges, segments;
    uint64_t range, segment; /* elements, and candidates */
    uint64_t *before;        /* [key][segment]: elements before the segment */
    uint64_t *cursors;       /* [range][key]: the next candidate */
} sequence;

/* Candidates that `wanted` elements take, on the average and a few more, as far as there is room.
 */
static size_t candidates_for(const fcp_format *f, size_t wanted)
{
    const uint64_t half = f->low_bits / 2; /* < R */
    const uint64_t scale = half >> 16 == 0 ? 0 : 16;
    const uint64_t more = ((f->rejected >> scale) * wanted) / ((f->modulus >> scale) + 1);
    const size_t count = wanted + (size_t)more + wanted / 32 + 32;
    const size_t room = (STREAM - BLOCK) / f->bytes;
    return count < room ? count : room;
}

static void next_elements(const fcp_set *set, size_t j, uint64_t *cursor, scratch *s, size_t wanted)
{
    const fcp_format *f = &set->format;
    size_t found = 0, used;
    while (found < wanted) {
        const size_t count = candidates_for(f, wanted - found);
        const uint8_t *stream = expand(set, j, *cursor, count, s->stream);
        found += set->impl->select(f, stream, count, s->elements + found * f->element_size,
                                   wanted - found, &used);
        *cursor += used;
    }
}

static void count_segment(void *arg, size_t i)
{
    const sequence *q = arg;
    const fcp_set *set = q->w.set;
    const fcp_format *f = &set->format;
    const size_t j = i / (q->segments - 1), segment = i % (q->segments - 1);
    const size_t whole = TILE / f->element_size;
    uint64_t candidate = segment * q->segment, left = q->segment, found = 0;
    scratch s;
    while (left > 0) {
        const size_t n = left < whole ? (size_t)left : whole;
        size_t used;
        const uint8_t *stream = expand(set, q->key + j, candidate, n, s.stream);
        found += set->impl->select(f, stream, n, s.elements, n, &used);
        candidate += n;
        left -= n;
    }
    q->before[j * q->segments + segment + 1] = found;
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

/* The first candidate of element `first`. */
static uint64_t find_element(const sequence *q, size_t j, uint64_t first, scratch *s)
{
    const uint64_t *before = q->before + j * q->segments;
    const size_t whole = TILE / q->w.set->format.element_size;
    size_t segment = q->segments - 1;
    while (before[segment] > first)
        segment--;
    uint64_t cursor = segment * q->segment;
    for (uint64_t left = first - before[segment]; left > 0;) {
        const size_t n = left < whole ? (size_t)left : whole;
        next_elements(q->w.set, q->key + j, &cursor, s, n);
        left -= n;
    }
    return cursor;
}

static void range_task(void *arg, size_t i)
{
    const sequence *q = arg;
    const fcp_set *set = q->w.set;
    const fcp_format *f = &set->format;
    const size_t whole = TILE / f->element_size;
    const uint64_t begin = i * q->range, left = q->w.count - begin;
    const uint64_t end = begin + (left < q->range ? left : q->range);
    uint64_t *cursor = q->cursors + i * q->n_keys;
    scratch s;
    for (size_t j = 0; j < q->n_keys; j++)
        cursor[j] = find_element(q, j, q->w.first + begin, &s);
    for (uint64_t at = begin; at < end; at += whole) {
        const size_t n = end - at < whole ? (size_t)(end - at) : whole;
        memset(s.sum, 0, sizeof s.sum);
        for (size_t j = 0; j < q->n_keys; j++) {
            next_elements(set, q->key + j, &cursor[j], &s, n);
            set->impl->add_elements(f, set->signs[q->key + j] < 0, s.elements, s.sum, n);
        }
        add_tile(&q->w, s.sum, at, n);
    }
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

static void apply_group(sequence *q, uint32_t threads)
{
    memset(q->before, 0, q->n_keys * q->segments * sizeof *q->before);
    threads_for(threads, q->n_keys * (q->segments - 1), count_segment, q);
    for (size_t j = 0; j < q->n_keys; j++)
        for (size_t i = 1; i < q->segments; i++)
            q->before[j * q->segments + i] += q->before[j * q->segments + i - 1];
    threads_for(threads, q->ranges, range_task, q);
}

/* Ranges of whole tiles. One thread needs only one range, and counts nothing. */
static void cut(sequence *q, uint32_t threads)
{
    const size_t whole = TILE / q->w.set->format.element_size;
    const uint64_t tiles = (q->w.count + whole - 1) / whole;
    const uint64_t ranges = threads > 1 ? 2 * (uint64_t)threads : 1;
    const uint64_t each = (tiles + ranges - 1) / ranges;
    q->range = each * whole;
    q->ranges = (size_t)((tiles + each - 1) / each);
    q->segments = q->ranges > 1 ? 4 * q->ranges : 1;
    q->segment = (q->w.first + q->w.count) / q->segments + 1;
}

static bool apply_sequential(const job *w, uint32_t threads)
{
    sequence q = {.w = *w};
    const size_t most = w->set->n < GROUP ? w->set->n : GROUP;
    cut(&q, threads);
    q.before = calloc((q.segments + q.ranges) * (most + 1), sizeof *q.before);
    if (q.before == NULL)
        return false;
    q.cursors = q.before + q.segments * (most + 1);
    do {
        q.n_keys = w->set->n - q.key < GROUP ? w->set->n - q.key : GROUP;
        apply_group(&q, threads);
        q.key += q.n_keys;
        q.w.write = false;
    } while (q.key < w->set->n);
    free(q.before);
    return true;
}

bool fcp_apply(const fcp_set *set, const vec_impl *vec, uint32_t threads, uint8_t *acc,
               uint64_t first, uint64_t count, bool write)
{
    job w = {set, vec, acc, first, count, write};
    const size_t whole = TILE / set->format.element_size;
    if (count == 0)
        return true;
    if (set->format.rejected != 0)
        return apply_sequential(&w, threads);
    threads_for(threads, (size_t)((count + whole - 1) / whole), power_of_two_tile, &w);
    return true;
}
