/* The bytes that one run counts as (GB/s = 10^9 of them per second):
 *   aead            the plaintext
 *   mask            the keystream: seeds times the vector
 *   vec.sum         all inputs
 *   quantize        the floats read
 *   dequantize      the integers read
 *   pack, unpack    the elements (not the packed bytes)
 *   mask.fcp        the masks' elements, 4 bytes each, however much keystream they take
 *   packed.sum      the elements of all inputs, 4 bytes each, not the packed bytes
 *   call.seal, open the plaintext, one message a call
 *   call.*          none: a run makes a set or a context and destroys it
 */
#include "bench/cpu/operations.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* Plaintext of a cache-resident batch, per thread: with its output 512 KiB, which common
 * second-level caches hold. The same on every machine, so that rows can be compared. */
#define BATCH_BYTES (256 * KIB)
/* Messages of the batch that no cache holds. */
#define LARGE_MESSAGE (64 * KIB)
/* Vectors are multiples of it. */
#define VECTOR_UNIT (4 * KIB)

/* Open can overlap a message with the next, but not with itself. So there are rows of one message
 * and of four. */
static const struct bench_case aead_cases[] = {
    {1 * KIB, N_BATCH, false},    {16 * KIB, N_BATCH, true}, {256 * KIB, 1, false},
    {256 * KIB, 4, false},        {4 * MIB, 1, false},       {4 * MIB, 4, false},
    {SIZE_LARGE, N_BATCH, false},
};

static const struct bench_case key_each_cases[] = {{1 * KIB, N_BATCH, false}};

static const struct bench_case in_place_cases[] = {{SIZE_LARGE, N_BATCH, false}};

/* The smallest vector stays in the first-level cache, which leaves the keystream by itself. */
static const struct bench_case mask_write_cases[] = {
    {16 * KIB, 1, false}, {4 * MIB, 1, true}, {SIZE_LARGE, 1, false}};

/* The large vector has one seed: with more of them the vector's own way to memory counts less. */
static const struct bench_case mask_add_cases[] = {
    {4 * MIB, 1, true}, {4 * MIB, 8, true}, {4 * MIB, 100, false}, {SIZE_LARGE, 1, false}};

static const struct bench_case mask_reject_cases[] = {{4 * MIB, 8, false}};

/* A sum reads each input once, and a server reads it from memory. The model has ten million 4-byte
 * elements. */
#define MODEL (39063 * KIB)
static const struct bench_case sum_cases[] = {
    {SIZE_LARGE, 2, false}, {SIZE_LARGE, 16, true}, {MODEL, 16, false}, {MODEL, 100, false}};

static const struct bench_case convert_cases[] = {{4 * MIB, 1, true}, {SIZE_LARGE, 1, false}};

static const struct bench_case fcp_cases[] = {
    {4 * MIB, 1, false}, {4 * MIB, 10, true}, {4 * MIB, 100, false}};

/* These are like sums, but only packed vectors come from memory. */
static const struct bench_case packed_cases[] = {{4 * MIB, 16, true}, {MODEL, 16, false}};

/* Messages one a call: the small ones from a cache that is close, the large ones from memory. */
static const struct bench_case single_cases[] = {
    {16, 64, false}, {1 * KIB, 64, true}, {16 * KIB, 16, false}, {SIZE_LARGE, N_BATCH, false}};

static const struct bench_case set_cases[] = {{32, 1, true}, {32, 1000, false}};

/* A context has no size. */
static const struct bench_case context_cases[] = {{1, 1, true}};

#define CASES(list) list, sizeof(list) / sizeof((list)[0])

/* The largest primes below 2^32 and 2^64, and one of which every other word is rejected. */
#define PRIME32         UINT64_C(4294967291)
#define PRIME_REJECTING UINT64_C(2147483659)
#define PRIME64         UINT64_C(18446744073709551557)

const struct operation operations[] = {
    {"aead.seal.aes128gcm", &family_aead, CASES(aead_cases), .alg = PARSEAL_AES128GCM},
    {"aead.open.aes128gcm", &family_aead, CASES(aead_cases), .alg = PARSEAL_AES128GCM,
     .inverse = true},
    {"aead.seal.aes256gcm", &family_aead, CASES(aead_cases), .alg = PARSEAL_AES256GCM},
    {"aead.open.aes256gcm", &family_aead, CASES(aead_cases), .alg = PARSEAL_AES256GCM,
     .inverse = true},
    {"aead.seal.aes256gcm.keys", &family_aead, CASES(key_each_cases), .alg = PARSEAL_AES256GCM,
     .key_each = true},
    {"aead.open.aes256gcm.keys", &family_aead, CASES(key_each_cases), .alg = PARSEAL_AES256GCM,
     .key_each = true, .inverse = true},
    {"aead.seal.aes256gcm.inplace", &family_aead, CASES(in_place_cases), .alg = PARSEAL_AES256GCM,
     .in_place = true},
    {"mask.write", &family_mask, CASES(mask_write_cases), .ring = {UINT64_C(1) << 32, 4, 0}},
    {"mask.add", &family_mask, CASES(mask_add_cases), .ring = {UINT64_C(1) << 32, 4, 0},
     .inverse = true},
    {"mask.add.prime", &family_mask, CASES(mask_reject_cases), .ring = {PRIME32, 4, 0},
     .inverse = true},
    {"mask.add.rejecting", &family_mask, CASES(mask_reject_cases), .ring = {PRIME_REJECTING, 4, 0},
     .inverse = true},
    {"vec.sum.u32.pow2", &family_vec_sum, CASES(sum_cases), .ring = {UINT64_C(1) << 32, 4, 0}},
    {"vec.sum.u32.prime", &family_vec_sum, CASES(sum_cases), .ring = {PRIME32, 4, 0}},
    {"vec.sum.u64.pow2", &family_vec_sum, CASES(sum_cases), .ring = {0, 8, 0}},
    {"vec.sum.u64.prime", &family_vec_sum, CASES(sum_cases), .ring = {PRIME64, 8, 0}},
    {"quantize", &family_quant, CASES(convert_cases), .inverse = false},
    {"dequantize", &family_quant, CASES(convert_cases), .inverse = true},
    {"pack", &family_pack, CASES(convert_cases), .inverse = false},
    {"unpack", &family_pack, CASES(convert_cases), .inverse = true},
    {"mask.fcp.b32", &family_fcp, CASES(fcp_cases), .ring = {UINT64_C(1) << 32, 4, 0}},
    {"mask.fcp.b20", &family_fcp, CASES(fcp_cases), .ring = {UINT64_C(1) << 20, 4, 0}},
    {"mask.fcp.rejecting", &family_fcp, CASES(fcp_cases), .ring = {532021, 4, 0},
     .cpu_alone = true},
    {"packed.sum.b32", &family_packed_sum, CASES(packed_cases), .ring = {UINT64_C(1) << 32, 4, 0}},
    {"packed.sum.b20", &family_packed_sum, CASES(packed_cases), .ring = {UINT64_C(1) << 20, 4, 0}},
    {"packed.sum.prime", &family_packed_sum, CASES(packed_cases), .ring = {PRIME32, 4, 0}},
    {"call.seal.aes256gcm", &family_aead, CASES(single_cases), .alg = PARSEAL_AES256GCM,
     .single = true, .timed = true},
    {"call.open.aes256gcm", &family_aead, CASES(single_cases), .alg = PARSEAL_AES256GCM,
     .single = true, .timed = true, .inverse = true},
    {"call.keys.aes256gcm", &family_keys, CASES(set_cases), .alg = PARSEAL_AES256GCM,
     .timed = true},
    {"call.seeds", &family_seeds, CASES(set_cases), .timed = true},
    {"call.context", &family_context, CASES(context_cases), .timed = true},
};

const size_t n_operations = sizeof operations / sizeof operations[0];

static size_t at_least_one(size_t n)
{
    return n > 0 ? n : 1;
}

/* Divides a size, unless it is small, and leaves whole elements of any ring. */
static size_t divided(size_t size, size_t divisor)
{
    if (divisor == 1 || size <= 64)
        return size;
    return size / divisor < 64 ? 64 : size / divisor / 64 * 64;
}

void settle_case(struct work *w, const struct operation *op, const struct bench_case *c,
                 size_t large_bytes, size_t divisor)
{
    const size_t size = c->size == SIZE_LARGE ? SIZE_LARGE : divided(c->size, divisor);
    w->op = op;
    if (c->n == N_BATCH) {
        size_t total = size == SIZE_LARGE ? large_bytes : BATCH_BYTES * w->threads;
        w->size = size == SIZE_LARGE ? LARGE_MESSAGE : size;
        w->n = at_least_one(total / divisor / w->size);
    } else {
        w->size = size == SIZE_LARGE
                      ? at_least_one(large_bytes / divisor / c->n / VECTOR_UNIT) * VECTOR_UNIT
                      : size;
        w->n = c->n;
    }
}
