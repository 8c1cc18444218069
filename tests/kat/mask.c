/* Format 4.2 worked out element by element. Key and stream are all zeros, so the keystream of
 * attempt 0 is RFC 8439's A.1 test vector 1, 76b8e0ad a0f13d90 405d6ae5 5386bd28 ... Those of
 * attempts 1, 2, 3 begin 3db41d3a a0d32928, 3432b7f8 9b93ffc5, 77164f34 b7b8ab71. (They come from
 * `openssl enc -chacha20`, whose iv is LE32(counter) || LE32(attempt) || stream.) */
#include "check.h"
#include "ring.h"
#include "run.h"

enum { ELEMENTS = 8 };

typedef struct {
    parseal_ring ring;
    uint64_t want[ELEMENTS];
} worked;

static const worked examples[] = {
    /* The low 20 bits of ade0b876, 903df1a0, e56a5d40, 28bd8653, ... are never rejected. */
    {{UINT64_C(1) << 20, 4, 0}, {47222, 913824, 679232, 886355, 643773, 888224, 997032, 882571}},
    /* 2^31 + 11, 32 bits. Element 0: ade0b876 is too large, the next attempt's 3a1db43d is not.
     * Element 3: 28bd8653 is fine at once. Element 6 takes three attempts. */
    {{(UINT64_C(1) << 31) + 11, 4, 0},
     {975025213, 673829792, 636675677, 683509331, 1546908, 451775904, 965148785, 979950651}},
    /* 5, 3 bits. Element 0: 6 and 5 are rejected, f8b73234 gives 4. */
    {{5, 4, 0}, {4, 0, 0, 3, 4, 0, 0, 3}},
    /* 17, 5 bits of 8-byte words. Element 0 takes seven attempts. */
    {{17, 8, 0}, {3, 0, 16, 8, 10, 2, 10, 3}},
    /* 2^61 - 1 almost never rejects. */
    {{(UINT64_C(1) << 61) - 1, 8, 0},
     {UINT64_C(1170357150600444022), UINT64_C(629807217791098176), UINT64_C(1940362735889535677),
      UINT64_C(508193775285122728), UINT64_C(957110928306422234), UINT64_C(1678392097006167159),
      UINT64_C(2062956586891494250), UINT64_C(461036986920503235)}},
    /* 2^63 + 29. Element 0: 903df1a0ade0b876 is too large, 2829d3a03a1db43d is not. */
    {{(UINT64_C(1) << 63) + 29, 8, 0},
     {UINT64_C(2894076920685507645), UINT64_C(2935650227004792128), UINT64_C(1940362735889535677),
      UINT64_C(4208856000018743478), UINT64_C(4103846725177454058), UINT64_C(3984235106219861111),
      UINT64_C(2062956586891494250), UINT64_C(6497394681681806069)}},
};

/* The example's mask is added to zeros, by a seed of either sign. */
static void run_example(parseal_ctx *ctx, const worked *example, int32_t sign)
{
    uint64_t got[ELEMENTS] = {0};
    uint32_t size = example->ring.element_size;
    parseal_seed seed = {.sign = sign};
    parseal_seeds *set = NULL;
    assert_ok(parseal_seeds_create(&set, ctx, &seed, 1));
    parseal_vec acc = parseal_host_vec(got, ELEMENTS, size);
    assert_ok(parseal_mask_apply(set, &example->ring, &acc, 0, NULL));
    for (uint64_t i = 0; i < ELEMENTS; i++) {
        u128 want = example->want[i];
        if (sign < 0)
            want = ring_modulus(&example->ring) - want;
        assert_int_equal(elem_load(got, i, size), ring_reduce(&example->ring, want));
    }
    parseal_seeds_destroy(set);
}

static void worked_examples(void **state)
{
    (void)state;
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        run_example(ctx, &examples[i], 1);
        run_example(ctx, &examples[i], -1);
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(worked_examples)};
    return RUN_SUITE_PER_IMPL("mask", OF(PARSEAL_PRIMITIVE_MASK), tests);
}
