/* Each operation is cut into pieces of as many elements as fit a cache. A piece is a task, which
 * calls the implementation once for each step, so that a step finds what the one before has written
 * still in the cache. Pieces are independent, hence the results do not depend on the threads.
 */
#include "fallback/batch/vectors.h"

#include <sodium.h>
#include <stdatomic.h>

#include "host/support/float_state.h"
#include "host/support/threads.h"
#include "host/support/wipe.h"
#include "parseal/parseal.h"

/* Elements of a piece. With its inputs a piece stays in the second-level cache, and with any bit
 * width it is whole bytes. Sums take longer pieces, as they read many vectors, and a vector is read
 * the faster the longer the piece is. */
enum { PIECE = 8192, QUANT_PIECE = 4096, SUM_PIECE = 32768 };

/* The n elements from `begin` on. */
typedef struct {
    size_t begin, n;
} piece;

static piece piece_at(uint64_t count, size_t i, size_t size)
{
    const uint64_t left = count - (uint64_t)i * size;
    return (piece){i * size, left < size ? (size_t)left : size};
}

/* Calls task for pieces of `size` elements, of which each is so many bytes of work, and on each
 * thread `last`, unless that is NULL. */
static void for_pieces(uint32_t threads, uint64_t count, size_t size, size_t bytes,
                       void (*task)(void *, size_t), void *arg, void (*last)(void))
{
    const size_t longest = count < size ? (size_t)count : size;
    threads_for_then(threads, (size_t)((count + size - 1) / size), longest * bytes, task, arg,
                     last);
}

/* -------------------------------------------------------------------------------------- mask -- */

typedef struct {
    const mask_impl *impl;
    const mask_seed *seeds;
    size_t n_seeds;
    uint64_t modulus, first, count;
    uint32_t element_size;
    uint8_t *acc;
    bool write;
} mask_job;

/* Pieces begin where the mask's own index is a multiple of PIECE, so that only the first and the
 * last can have a part of an implementation's unit. */
static void mask_piece(void *arg, size_t i)
{
    const mask_job *job = arg;
    const uint64_t lead = job->first % PIECE;
    const uint64_t begin = i == 0 ? 0 : (uint64_t)i * PIECE - lead;
    const uint64_t left = job->count - begin, room = i == 0 ? PIECE - lead : PIECE;
    job->impl->apply(job->seeds, job->n_seeds, job->modulus, job->element_size,
                     job->acc + begin * job->element_size, job->first + begin,
                     (size_t)(left < room ? left : room), job->write);
}

static void wipe_mask(void)
{
    wipe_stack_to(WIPE_MASK);
}

static void wipe_mask_retry(void)
{
    wipe_stack_to(WIPE_MASK_RETRY);
}

void vectors_mask(const mask_impl *impl, uint32_t threads, const mask_seed *seeds, size_t n_seeds,
                  uint64_t modulus, uint32_t element_size, void *acc, uint64_t first,
                  uint64_t count, bool write)
{
    mask_job job = {impl, seeds, n_seeds, modulus, first, count, element_size, acc, write};
    const uint64_t end = count > 0 ? first % PIECE + count : 0;
    threads_for_then(threads, (size_t)((end + PIECE - 1) / PIECE), PIECE * element_size * n_seeds,
                     mask_piece, &job,
                     (modulus & (modulus - 1)) == 0 ? wipe_mask : wipe_mask_retry);
}

/* --------------------------------------------------------------------------------------- sum -- */

typedef struct {
    uint64_t count;
    const sum_impl *impl;
    uint64_t modulus;
    uint32_t element_size;
    void *acc;
    const void *const *v;
    size_t n;
} sum_job;

static void sum_piece(void *arg, size_t i)
{
    const sum_job *job = arg;
    const piece p = piece_at(job->count, i, SUM_PIECE);
    job->impl->sum(job->modulus, job->element_size, job->acc, job->v, job->n, p.begin, p.n);
}

void vectors_sum(const sum_impl *impl, uint32_t threads, uint64_t modulus, uint32_t element_size,
                 void *acc, const void *const *v, size_t n, uint64_t count)
{
    sum_job job = {count, impl, modulus, element_size, acc, v, n};
    for_pieces(threads, count, SUM_PIECE, (n + 2) * element_size, sum_piece, &job, NULL);
}

/* ------------------------------------------------------------------------------ quantisation -- */

typedef struct {
    uint64_t count;
    const quant_impl *impl;
    const mask_impl *mask;
    const quant_params *params;
    const uint8_t *x;
    const mask_seed *seed;
    uint64_t first;
    uint8_t *q;
    size_t float_size;
    _Atomic uint64_t nonfinite;
} quantize_job;

static void quantize_piece(void *arg, size_t i)
{
    quantize_job *job = arg;
    const piece p = piece_at(job->count, i, QUANT_PIECE);
    uint32_t random[QUANT_PIECE]; /* 16 KiB: what masks need below it is as much. */

    if (job->seed != NULL)
        job->mask->apply(job->seed, 1, UINT64_C(1) << 32, 4, random, job->first + p.begin, p.n,
                         true);
    const float_state before = float_state_set();
    const uint64_t nonfinite = job->impl->quantize(
        job->params, job->x + p.begin * job->float_size, job->seed != NULL ? random : NULL,
        job->q + p.begin * job->params->element_size, p.n);
    float_state_restore(&before);
    atomic_fetch_add_explicit(&job->nonfinite, nonfinite, memory_order_relaxed);
}

/* Reaches below the random numbers of quantize_piece, whose frame has little else. */
static void wipe_quantize(void)
{
    wipe_stack_to(sizeof(uint32_t[QUANT_PIECE]) + 512 + WIPE_MASK);
}

uint64_t vectors_quantize(const quant_impl *impl, const mask_impl *mask, uint32_t threads,
                          const quant_params *params, const void *x, const mask_seed *seed,
                          uint64_t first, void *q, uint64_t count)
{
    mask_seed rounding;
    if (seed != NULL) {
        rounding = *seed;
        rounding.sign = 1;
    }
    quantize_job job = {count,  impl, mask,
                        params, x,    seed != NULL ? &rounding : NULL,
                        first,  q,    params->float_type == PARSEAL_FLOAT32 ? 4 : 2,
                        0};
    for_pieces(threads, count, QUANT_PIECE, 2 * (size_t)params->element_size, quantize_piece, &job,
               seed != NULL ? wipe_quantize : NULL);
    if (seed != NULL) {
        sodium_memzero(&rounding, sizeof rounding);
        wipe_stack();
    }
    return job.nonfinite;
}

typedef struct {
    uint64_t count;
    const quant_impl *impl;
    const dequant_params *params;
    const uint8_t *sum;
    float *mean;
} dequantize_job;

static void dequantize_piece(void *arg, size_t i)
{
    const dequantize_job *job = arg;
    const piece p = piece_at(job->count, i, PIECE);
    const float_state before = float_state_set();
    job->impl->dequantize(job->params, job->sum + p.begin * job->params->element_size,
                          job->mean + p.begin, p.n);
    float_state_restore(&before);
}

void vectors_dequantize(const quant_impl *impl, uint32_t threads, const dequant_params *params,
                        const void *sum, float *mean, uint64_t count)
{
    dequantize_job job = {count, impl, params, sum, mean};
    for_pieces(threads, count, PIECE, 2 * (size_t)params->element_size, dequantize_piece, &job,
               NULL);
}

/* -------------------------------------------------------------------------------------- pack -- */

typedef struct {
    uint64_t count;
    const pack_impl *impl;
    uint32_t bits, element_size;
    const uint8_t *from;
    uint8_t *to;
} pack_job;

static void pack_piece(void *arg, size_t i)
{
    const pack_job *job = arg;
    const piece p = piece_at(job->count, i, PIECE);
    job->impl->pack(job->bits, job->element_size, job->from + p.begin * job->element_size,
                    job->to + p.begin / 8 * job->bits, p.n);
}

static void unpack_piece(void *arg, size_t i)
{
    const pack_job *job = arg;
    const piece p = piece_at(job->count, i, PIECE);
    job->impl->unpack(job->bits, job->element_size, job->from + p.begin / 8 * job->bits,
                      job->to + p.begin * job->element_size, p.n);
}

void vectors_pack(const pack_impl *impl, uint32_t threads, uint32_t bits, uint32_t element_size,
                  const void *elements, uint8_t *packed, uint64_t count)
{
    pack_job job = {count, impl, bits, element_size, elements, packed};
    for_pieces(threads, count, PIECE, 2 * (size_t)element_size, pack_piece, &job, NULL);
}

void vectors_unpack(const pack_impl *impl, uint32_t threads, uint32_t bits, uint32_t element_size,
                    const uint8_t *packed, void *elements, uint64_t count)
{
    pack_job job = {count, impl, bits, element_size, packed, elements};
    for_pieces(threads, count, PIECE, 2 * (size_t)element_size, unpack_piece, &job, NULL);
}

/* How many inputs are unpacked into the cache and then added together, and the bytes that are
 * unpacked of each: stacks of 64 KiB have room for them. */
enum { UNPACKED = 2, UNPACKED_BYTES = 16 * 1024 };

typedef struct {
    uint64_t count;
    const pack_impl *pack;
    const sum_impl *sum;
    uint32_t bits, element_size;
    uint64_t modulus;
    uint8_t *acc;
    const uint8_t *const *packed;
    size_t n;
} packed_sum_job;

/* Reads the next input ahead. The packed vectors are read in turn, each for too short a time for
 * the hardware to do that. */
static void prefetch(const uint8_t *p, size_t size)
{
#if defined(__GNUC__)
    for (size_t i = 0; i < size; i += 64)
        __builtin_prefetch(p + i);
#else
    (void)p;
    (void)size;
#endif
}

static void packed_sum_part(const packed_sum_job *job, piece p)
{
    const size_t from = p.begin / 8 * job->bits;
    uint64_t unpacked[UNPACKED][UNPACKED_BYTES / 8];
    const void *inputs[UNPACKED];
    size_t done = 0;
    do {
        size_t now = 0;
        for (; now < UNPACKED && done < job->n; now++, done++) {
            if (done + 1 < job->n)
                prefetch(job->packed[done + 1] + from, p.n / 8 * job->bits);
            inputs[now] = unpacked[now];
            job->pack->unpack(job->bits, job->element_size, job->packed[done] + from, unpacked[now],
                              p.n);
        }
        job->sum->sum(job->modulus, job->element_size, job->acc + p.begin * job->element_size,
                      inputs, now, 0, p.n);
    } while (done < job->n);
    for (size_t j = 0; j < UNPACKED && j < job->n; j++)
        sodium_memzero(unpacked[j], p.n * job->element_size);
}

static void packed_sum_piece(void *arg, size_t i)
{
    const packed_sum_job *job = arg;
    const piece p = piece_at(job->count, i, PIECE);
    const size_t most = UNPACKED_BYTES / job->element_size;
    for (size_t done = 0; done < p.n; done += most)
        packed_sum_part(job, (piece){p.begin + done, p.n - done < most ? p.n - done : most});
}

void vectors_packed_sum(const pack_impl *pack, const sum_impl *sum, uint32_t threads, uint32_t bits,
                        uint64_t modulus, uint32_t element_size, void *acc,
                        const uint8_t *const *packed, size_t n, uint64_t count)
{
    packed_sum_job job = {count, pack, sum, bits, element_size, modulus, acc, packed, n};
    if (bits == 8 * element_size) /* The packed bytes are the elements; sums take any address. */
        vectors_sum(sum, threads, modulus, element_size, acc, (const void *const *)packed, n,
                    count);
    else
        for_pieces(threads, count, PIECE, (n + 2) * element_size, packed_sum_piece, &job, NULL);
}
