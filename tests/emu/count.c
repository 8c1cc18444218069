/* The CUDA kernels that count, run by the emulator one by one: nonces, numbers of sets and keys of
 * fcp, for more of them than the blocks have threads, and calls that overlap. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fallback/math/bytes.h"
#include "run.h"
#include "vector_kernels.h"

enum { MANY = 600 }; /* more than two blocks take at once */

/* -------------------------------------------------------------------------------------- aead -- */

enum { NONCE = 12, TAG = 16, VERIFIED = 1, REFUSED = 2, NO_NONCE = 3 };

/* Messages whose runs are used up lie beside those that have some left. */
static void check_nonces(u32 n, u32 blocks)
{
    static const uint8_t zeros[NONCE];
    const uint64_t runs = UINT64_C(1) << 33, step = UINT64_C(0x123456789);
    rng r = rng_for("emu count nonces");
    array firsts = array_random(&r, (size_t)n * NONCE, 1);
    array done = array_new(n * sizeof(uint64_t), 0), before = array_new(done.size, 0);
    array nonces = array_random(&r, (size_t)n * NONCE, 3);
    array states = array_random(&r, n * sizeof(i32), 4);
    uint64_t *number = (uint64_t *)done.bytes, *was = (uint64_t *)before.bytes;
    for (u32 i = 0; i < n; i++)
        number[i] = was[i] = runs - 3 + rng_below(&r, 6);

    u32 count = n, nonce_size = NONCE;
    uint64_t step_arg = step, runs_arg = runs;
    void *args[] = {&firsts.bytes, &done.bytes, &count,        &nonce_size,
                    &step_arg,     &runs_arg,   &nonces.bytes, &states.bytes};
    run_kernel("aead_count", n, blocks, args);
    for (u32 i = 0; i < n; i++) {
        const uint8_t *first = firsts.bytes + (size_t)NONCE * i;
        const bool is_left = was[i] < runs;
        uint8_t want[NONCE];
        memcpy(want, first, NONCE);
        store_be64(want + NONCE - 8, load_be64(first + NONCE - 8) + was[i] * step);
        assert_bytes(nonces.bytes + (size_t)NONCE * i, is_left ? want : zeros, NONCE);
        assert_int_equal(((i32 *)states.bytes)[i], is_left ? VERIFIED : NO_NONCE);
        assert_int_equal(number[i], was[i] + 1);
    }
    array_free(&firsts);
    array_free(&done);
    array_free(&before);
    array_free(&nonces);
    array_free(&states);
}

static void nonces(void **state)
{
    (void)state;
    check_nonces(1, 1);
    check_nonces(MANY, 1);
    check_nonces(MANY, 2);
}

/* The caller's tags may be anywhere. */
static void check_tags(u32 n, u32 blocks, u32 shift)
{
    static const uint8_t zeros[TAG];
    rng r = rng_for("emu count tags");
    array states = array_new(n * sizeof(i32), 0), verdicts = array_new(n * sizeof(i32), 4);
    array made = array_random(&r, (size_t)n * TAG, 0), tags = array_new((size_t)n * TAG, shift);
    i32 *of = (i32 *)states.bytes;
    for (u32 i = 0; i < n; i++)
        of[i] = (i32)rng_range(&r, VERIFIED, NO_NONCE);

    u32 count = n;
    void *args[] = {&states.bytes, &made.bytes, &count, &tags.bytes, &verdicts.bytes};
    run_kernel("aead_counted", n, blocks, args);
    for (u32 i = 0; i < n; i++)
        assert_bytes(tags.bytes + (size_t)TAG * i,
                     of[i] == VERIFIED ? made.bytes + (size_t)TAG * i : zeros, TAG);
    assert_bytes(verdicts.bytes, states.bytes, states.size);
    array_free(&states);
    array_free(&verdicts);
    array_free(&made);
    array_free(&tags);
}

static void tags(void **state)
{
    (void)state;
    for (u32 shift = 0; shift < TAG; shift++)
        check_tags(1 + shift, 1, shift);
    check_tags(MANY, 1, 5);
    check_tags(MANY, 2, 0);
}

/* ------------------------------------------------------------------------------------- seeds -- */

/* A set's state as count.cu has it, and what seeds_count does with the caller's number. */
enum { DONE, IS_OVER, NUMBER, UNDER_WAY, WORDS };
enum { UNUSED, WRITTEN, READ };

static const uint64_t overlap = UINT64_C(1) << 32, none = UINT64_MAX;
static const uint64_t first_number = 0xfffffffe, step = UINT64_C(3) << 32, runs = 40;

/* The set's seeds get `want` as their stream, or are left alone. */
static void check_seeds(rng *r, uint64_t state[WORDS], u32 use, uint64_t *number,
                        const uint64_t *want)
{
    array list = array_random(r, MANY * sizeof(mask_seed), 0), was = array_copy(&list, 0);
    uint8_t *state_arg = (uint8_t *)state, *number_arg = (uint8_t *)number;
    uint64_t first = first_number, step_arg = step, runs_arg = runs;
    u32 n = MANY, use_arg = use;
    void *args[] = {&state_arg, &list.bytes, &n,          &first,
                    &step_arg,  &runs_arg,   &number_arg, &use_arg};
    run_kernel("seeds_count", 1, 1, args);
    for (u32 j = 0; want != NULL && j < n; j++) {
        ((mask_seed *)was.bytes)[j].stream_id[0] = (u32)*want;
        ((mask_seed *)was.bytes)[j].stream_id[1] = (u32)(*want >> 32);
    }
    assert_bytes(list.bytes, was.bytes, list.size);
    array_free(&list);
    array_free(&was);
}

static void assert_state(const uint64_t state[WORDS], uint64_t done, uint64_t is_over,
                         uint64_t number, uint64_t under_way)
{
    assert_int_equal(state[DONE], done);
    assert_int_equal(state[IS_OVER], is_over);
    assert_int_equal(state[NUMBER], number);
    assert_int_equal(state[UNDER_WAY], under_way);
}

/* A call that is alone: the last number there is, none, and the caller's own. */
static void calls_alone(void **unused)
{
    rng r = rng_for("emu count seeds");
    (void)unused;
    for (u32 use = UNUSED; use <= WRITTEN; use++)
        for (uint64_t done = runs - 1; done <= runs + 1; done++) {
            const bool is_over = done >= runs;
            const uint64_t want = is_over ? none : first_number + done * step;
            uint64_t state[WORDS] = {done, !is_over, 5, 0}, number = 6;
            check_seeds(&r, state, use, &number, &want);
            assert_state(state, done + !is_over, is_over, want, 1);
            assert_int_equal(number, use == WRITTEN ? want : 6);
        }
    uint64_t state[WORDS] = {runs + 1, 1, 5, 0}, number = UINT64_C(0x123456789abcdef0);
    const uint64_t given = number;
    check_seeds(&r, state, READ, &number, &given);
    assert_state(state, runs + 2, 0, given, 1);
    assert_int_equal(number, given);
}

/* Beside calls under way there is no number, and the list and the state's are theirs. */
static void calls_beside(void **unused)
{
    static const uint64_t under_way[] = {1, 2 | (UINT64_C(1) << 32), 0xfffffffe};
    rng r = rng_for("emu count beside");
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(under_way); i++)
        for (u32 use = UNUSED; use <= READ; use++) {
            uint64_t state[WORDS] = {7, 0, 5, under_way[i]}, number = 6;
            check_seeds(&r, state, use, &number, NULL);
            assert_state(state, 7, 0, 5, (under_way[i] + 1) | overlap);
            assert_int_equal(number, use == WRITTEN ? none : 6);
        }
}

/* The flag stays until no call is under way. */
static void ends(void **unused)
{
    static const struct {
        uint64_t before, after;
    } calls[] = {{1, 0},
                 {1 | UINT64_C(1) << 32, 0},
                 {2 | UINT64_C(1) << 32, 1 | UINT64_C(1) << 32},
                 {0xffffffff | UINT64_C(1) << 32, 0xfffffffe | UINT64_C(1) << 32}};
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        uint64_t state[WORDS] = {7, 1, 5, calls[i].before};
        uint8_t *state_arg = (uint8_t *)state;
        void *args[] = {&state_arg};
        run_kernel("seeds_end", 1, 1, args);
        assert_state(state, 7, 1, 5, calls[i].after);
    }
}

static void check_wipe(uint64_t is_over, uint64_t under_way, u32 blocks)
{
    enum { COUNT = 2500 };
    const bool wiped = is_over != 0 || (under_way & overlap) != 0;
    rng r = rng_for("emu count wipe");
    array words = array_random(&r, COUNT * sizeof(u32), 4), was = array_copy(&words, 0);
    uint64_t state[WORDS] = {7, is_over, 5, under_way}, count = COUNT;
    uint8_t *state_arg = (uint8_t *)state;
    void *args[] = {&state_arg, &words.bytes, &count};
    run_kernel("count_wipe", count, blocks, args);
    if (wiped)
        assert_filled(words.bytes, words.size, 0);
    else
        assert_bytes(words.bytes, was.bytes, words.size);
    assert_state(state, 7, is_over, 5, under_way);
    array_free(&words);
    array_free(&was);
}

static void wipes(void **unused)
{
    (void)unused;
    for (u32 blocks = 1; blocks <= 2; blocks++) {
        check_wipe(0, 1, blocks);
        check_wipe(0, 0xfffffffe, blocks);
        check_wipe(1, 1, blocks);
        check_wipe(0, overlap | 2, blocks);
        check_wipe(1, overlap | 1, blocks);
    }
}

/* --------------------------------------------------------------------------------------- fcp -- */

enum { RAW = 48, RAW_LENGTH = 32, KEY = 32 };

/* Keys of every length; what is hashed ends anywhere in SHA-256's blocks. */
static void check_fcp_keys(rng *r, u32 n, u32 blocks, uint64_t tail_size)
{
    const uint64_t number_at = rng_below(r, tail_size - 8 + 1);
    const u32 bits = (u32)rng_u64(r);
    array raws = array_random(r, (size_t)n * RAW, 0), tail = array_random(r, (size_t)tail_size, 3);
    array keys = array_random(r, n * sizeof(fcp_key), 0), want = array_copy(&keys, 0);
    uint64_t state[WORDS] = {7, 0, rng_u64(r), 1};
    for (u32 j = 0; j < n; j++)
        raws.bytes[RAW * j + RAW_LENGTH] = (uint8_t)(1 + j % RAW_LENGTH);

    uint8_t *state_arg = (uint8_t *)state;
    u32 n_arg = n, bits_arg = bits;
    uint64_t size = tail_size, at = number_at;
    void *args[] = {&state_arg, &raws.bytes, &keys.bytes, &n_arg,
                    &bits_arg,  &tail.bytes, &size,       &at};
    run_kernel("fcp_count", n, blocks, args);
    store_be64(tail.bytes + number_at, state[NUMBER]);
    for (u32 j = 0; j < n; j++) {
        crypto_hash_sha256_state hash;
        uint8_t be_bits[8];
        store_be64(be_bits, bits);
        crypto_hash_sha256_init(&hash);
        crypto_hash_sha256_update(&hash, be_bits + 4, 4);
        crypto_hash_sha256_update(&hash, raws.bytes + (size_t)RAW * j,
                                  raws.bytes[RAW * j + RAW_LENGTH]);
        crypto_hash_sha256_update(&hash, tail.bytes, tail_size);
        crypto_hash_sha256_final(&hash, (uint8_t *)((fcp_key *)want.bytes)[j].round_key);
    }
    assert_bytes(keys.bytes, want.bytes, keys.size);
    array_free(&raws);
    array_free(&tail);
    array_free(&keys);
    array_free(&want);
}

static void fcp_keys(void **unused)
{
    rng r = rng_for("emu count fcp");
    (void)unused;
    for (uint64_t tail_size = 8; tail_size < 8 + 64; tail_size += run_slow() ? 5 : 1)
        check_fcp_keys(&r, 32, 1, tail_size);
    check_fcp_keys(&r, MANY, 1, 40);
    check_fcp_keys(&r, MANY, 2, 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nonces),       cmocka_unit_test(tags), cmocka_unit_test(calls_alone),
        cmocka_unit_test(calls_beside), cmocka_unit_test(ends), cmocka_unit_test(wipes),
        cmocka_unit_test(fcp_keys),
    };
    return RUN_SUITE("emulated CUDA counting", tests);
}
