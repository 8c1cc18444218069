/* Masks of format `fcp-aes256ctr` (parseal/fcp.h). A key's keystream is cut into candidates, each
 * the low bits of a few bytes. Candidates below 2^bw - R are passed over; the others, reduced mod
 * R, are the elements. Where R is a power of two none is passed over, so every tile of the vector
 * is computed by itself. Otherwise an element's place in the keystream depends on the candidates
 * before it, and a key's elements must be found in order: either each thread takes some of the
 * keys, or the elements are counted first and each thread takes a range of the vector.
 */
#include "fallback/batch/fcp.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/support/threads.h"
#include "host/support/wipe.h"

/* A tile's elements have TILE bytes. At most STREAM bytes of keystream are expanded at a time. Both
 * are as large as stacks of 64 KiB have room for, below which the cipher's own frames lie. */
enum { TILE = 7168, STREAM = TILE + 1024, BLOCK = 16 };

typedef struct {
    uint8_t sum[TILE + FCP_SLACK], elements[TILE + FCP_SLACK], keystream[STREAM + FCP_SLACK];
} scratch;

/* Where no candidate is passed over, every candidate is an element, and tiles have room. */
enum { WHOLE_TILE = 8192 };

typedef struct {
    uint8_t sum[WHOLE_TILE + FCP_SLACK], keystream[WHOLE_TILE + 4 * BLOCK + FCP_SLACK];
} whole_scratch;

typedef struct {
    const fcp_set *set;
    const sum_impl *sum;
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

/* Expands the keystream of `count` candidates from `candidate` on, and returns where the first one
 * lies in it. */
static const uint8_t *expand(const fcp_set *set, size_t j, uint64_t candidate, size_t count,
                             uint8_t *keystream)
{
    const uint64_t byte = candidate * set->format.bytes;
    const size_t into = (size_t)(byte % BLOCK), bytes = into + count * set->format.bytes;
    set->impl->keystream(key_at(set, j), (uint32_t)(byte / BLOCK), keystream,
                         (bytes + BLOCK - 1) / BLOCK);
    return keystream + into;
}

/* Adds the tile's sum to n elements of acc. The sum need not be reduced mod R. */
static void add_tile(const job *w, const uint8_t *sum, uint64_t begin, size_t n)
{
    const fcp_format *f = &w->set->format;
    uint8_t *p = w->acc + begin * f->element_size;
    const void *const inputs[] = {sum};
    if (w->write)
        memset(p, 0, n * f->element_size);
    w->sum->sum(f->modulus, f->element_size, p, inputs, 1, 0, n);
}

/* ----------------------------------------------------------------------------- powers of two -- */

static void power_of_two_tile(void *arg, size_t i)
{
    const job *w = arg;
    const fcp_format *f = &w->set->format;
    const size_t whole = WHOLE_TILE / f->element_size;
    const uint64_t begin = (uint64_t)i * whole, left = w->count - begin;
    const size_t n = left < whole ? (size_t)left : whole;
    whole_scratch s;
    memset(s.sum, 0, sizeof s.sum);
    for (size_t j = 0; j < w->set->n; j++) {
        const uint8_t *keystream = expand(w->set, j, w->first + begin, n, s.keystream);
        w->set->impl->add_candidates(f, w->set->signs[j] < 0, keystream, s.sum, n);
    }
    add_tile(w, s.sum, begin, n);
    sodium_memzero(s.sum, sizeof s.sum);
    sodium_memzero(s.keystream, sizeof s.keystream);
    wipe_stack();
}

/* ---------------------------------------------------------------------------- other moduli -- */

/* Threads share out the keys where there are at least as many keys as threads, and else the
 * vector. */

/* Returns how many candidates so many elements (below 2^32) take on average, or one less. It
 * computes with integers, as the caller's floating-point state may be any. */
static uint64_t expected(const fcp_format *f, uint64_t elements)
{
    int shift = 0; /* 32 bits of each make rejected / modulus precise enough. */
    while (f->modulus >> shift > UINT32_MAX)
        shift++;
    const uint64_t passed_over = (f->rejected >> shift << 32) / (f->modulus >> shift);
    return elements + (elements * (passed_over < UINT32_MAX ? passed_over : UINT32_MAX) >> 32);
}

/* Returns how many candidates to expand for `wanted` elements: the expected number and a few more,
 * so that one look is mostly enough, but no more than STREAM bytes hold. */
static size_t candidates_for(const fcp_format *f, size_t wanted)
{
    const size_t count = (size_t)expected(f, wanted) + wanted / 32 + 32;
    const size_t room = (STREAM - BLOCK) / f->bytes;
    return count < room ? count : room;
}

static void next_elements(const fcp_set *set, size_t j, uint64_t *cursor, scratch *s, size_t wanted)
{
    const fcp_format *f = &set->format;
    size_t found = 0, used;
    while (found < wanted) {
        const size_t count = candidates_for(f, wanted - found);
        const uint8_t *keystream = expand(set, j, *cursor, count, s->keystream);
        found += set->impl->select(f, keystream, count, s->elements + found * f->element_size,
                                   wanted - found, &used);
        *cursor += used;
    }
}

static void skip_elements(const fcp_set *set, size_t j, uint64_t *cursor, scratch *s, uint64_t left)
{
    const size_t whole = TILE / set->format.element_size;
    for (; left > whole; left -= whole)
        next_elements(set, j, cursor, s, whole);
    next_elements(set, j, cursor, s, (size_t)left);
}

/* Sums n elements of each of the keys [from, to). */
static void sum_tile(const fcp_set *set, size_t from, size_t to, uint64_t *cursors, scratch *s,
                     size_t n)
{
    memset(s->sum, 0, sizeof s->sum);
    for (size_t j = from; j < to; j++) {
        next_elements(set, j, &cursors[j], s, n);
        set->impl->add_elements(&set->format, set->signs[j] < 0, s->elements, s->sum, n);
    }
}

/* ---- Shares of the keys. Each share sums a wave of tiles over its own keys; then the shares' sums
 * are added to acc. */

enum { WAVE = 128 }; /* tiles: about a mebibyte */

typedef struct {
    job w;
    size_t shares;
    uint64_t at;       /* the wave's first element */
    size_t n;          /* the wave's number of elements */
    uint64_t *cursors; /* [key]: the next candidate */
    uint8_t *sums;     /* [share]: WAVE tiles */
    const void **inputs;
} waves;

static void find_first(void *arg, size_t j)
{
    const waves *v = arg;
    scratch s;
    skip_elements(v->w.set, j, &v->cursors[j], &s, v->w.first);
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

static void sum_share(void *arg, size_t i)
{
    const waves *v = arg;
    const fcp_set *set = v->w.set;
    const size_t element_size = set->format.element_size, whole = TILE / element_size;
    scratch s;
    for (size_t at = 0; at < v->n; at += whole) {
        const size_t n = v->n - at < whole ? v->n - at : whole;
        sum_tile(set, set->n * i / v->shares, set->n * (i + 1) / v->shares, v->cursors, &s, n);
        memcpy(v->sums + i * WAVE * TILE + at * element_size, s.sum, n * element_size);
    }
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

static void add_shares(void *arg, size_t i)
{
    const waves *v = arg;
    const fcp_format *f = &v->w.set->format;
    const size_t whole = TILE / f->element_size, begin = i * whole;
    const size_t n = v->n - begin < whole ? v->n - begin : whole;
    uint8_t *acc = v->w.acc + v->at * f->element_size;
    if (v->w.write)
        memset(acc + begin * f->element_size, 0, n * f->element_size);
    v->w.sum->sum(f->modulus, f->element_size, acc, v->inputs, v->shares, begin, n);
}

static bool apply_waves(const job *w, uint32_t threads)
{
    const size_t whole = TILE / w->set->format.element_size, shares = threads;
    waves v = {.w = *w, .shares = shares};
    v.cursors = calloc(w->set->n, sizeof *v.cursors);
    v.sums = malloc(shares * WAVE * TILE);
    v.inputs = malloc(shares * sizeof *v.inputs);
    const bool enough = v.cursors != NULL && v.sums != NULL && v.inputs != NULL;
    if (enough) {
        for (size_t i = 0; i < shares; i++)
            v.inputs[i] = v.sums + i * WAVE * TILE;
        if (w->first > 0)
            threads_for(threads, w->set->n, THREADS_WORTH, find_first, &v);
        for (; v.at < w->count; v.at += v.n) {
            v.n = w->count - v.at < WAVE * whole ? (size_t)(w->count - v.at) : WAVE * whole;
            threads_for(threads, shares, THREADS_WORTH, sum_share, &v);
            threads_for(threads, (v.n + whole - 1) / whole, (shares + 1) * TILE, add_shares, &v);
        }
        sodium_memzero(v.sums, shares * WAVE * TILE);
    }
    free(v.inputs);
    free(v.sums);
    free(v.cursors);
    return enough;
}

/* ---- Ranges of the vector. First the elements in each segment of each key's keystream are
 * counted. With the counts a range finds the segment of its first element, and goes on from
 * there. */

typedef struct {
    job w;
    size_t ranges, segments;
    uint64_t range, segment; /* elements of a range, candidates of a segment */
    uint64_t *before;        /* [key][segment]: elements before the segment */
    uint64_t *cursors;       /* [range][key]: the next candidate */
} sequence;

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
        const uint8_t *keystream = expand(set, j, candidate, n, s.keystream);
        found += set->impl->select(f, keystream, n, s.elements, n, &used);
        candidate += n;
        left -= n;
    }
    q->before[j * q->segments + segment + 1] = found;
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

/* Returns a candidate of key j from which the next element is number `first`. */
static uint64_t find_element(const sequence *q, size_t j, uint64_t first, scratch *s)
{
    const uint64_t *before = q->before + j * q->segments;
    size_t segment = q->segments - 1;
    while (before[segment] > first)
        segment--;
    uint64_t cursor = segment * q->segment;
    skip_elements(q->w.set, j, &cursor, s, first - before[segment]);
    return cursor;
}

static void range_task(void *arg, size_t i)
{
    const sequence *q = arg;
    const fcp_set *set = q->w.set;
    const size_t whole = TILE / set->format.element_size;
    const uint64_t begin = i * q->range, left = q->w.count - begin;
    const uint64_t end = begin + (left < q->range ? left : q->range);
    uint64_t *cursors = q->cursors + i * set->n;
    scratch s;
    for (size_t j = 0; j < set->n; j++)
        cursors[j] = find_element(q, j, q->w.first + begin, &s);
    for (uint64_t at = begin; at < end; at += whole) {
        const size_t n = end - at < whole ? (size_t)(end - at) : whole;
        sum_tile(set, 0, set->n, cursors, &s, n);
        add_tile(&q->w, s.sum, at, n);
    }
    sodium_memzero(&s, sizeof s);
    wipe_stack();
}

/* Cuts the vector into ranges of whole tiles, two for each thread, and the keystreams into four
 * segments for each range. */
static void cut(sequence *q, uint32_t threads)
{
    const size_t whole = TILE / q->w.set->format.element_size;
    const uint64_t tiles = (q->w.count + whole - 1) / whole, ranges = 2 * (uint64_t)threads;
    const uint64_t each = (tiles + ranges - 1) / ranges;
    q->range = each * whole;
    q->ranges = (size_t)((tiles + each - 1) / each);
    q->segments = 4 * q->ranges;
    q->segment = expected(&q->w.set->format, q->w.first + q->w.count) / q->segments + 1;
}

static bool apply_ranges(const job *w, uint32_t threads)
{
    sequence q = {.w = *w};
    const size_t n = w->set->n;
    cut(&q, threads);
    q.before = calloc((q.segments + q.ranges) * (n + 1), sizeof *q.before);
    if (q.before == NULL)
        return false;
    q.cursors = q.before + q.segments * n;
    threads_for(threads, n * (q.segments - 1), (size_t)q.segment * 16, count_segment, &q);
    for (size_t j = 0; j < n; j++)
        for (size_t i = 1; i < q.segments; i++)
            q.before[j * q.segments + i] += q.before[j * q.segments + i - 1];
    threads_for(threads, q.ranges, (size_t)q.range * 16 * (n + 1), range_task, &q);
    free(q.before);
    return true;
}

bool fcp_apply(const fcp_set *set, const sum_impl *sum, uint32_t threads, uint8_t *acc,
               uint64_t first, uint64_t count, bool write)
{
    job w = {set, sum, acc, first, count, write};
    const size_t whole = WHOLE_TILE / set->format.element_size;
    if (count == 0)
        return true;
    if (set->format.rejected != 0)
        return set->n >= threads ? apply_waves(&w, threads) : apply_ranges(&w, threads);
    threads_for(threads, (size_t)((count + whole - 1) / whole), (set->n + 1) * WHOLE_TILE,
                power_of_two_tile, &w);
    return true;
}
