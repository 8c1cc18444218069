/* Masks of parseal/fcp.h: every error, and that it changes nothing. */
#include "parseal/fcp.h"

#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { N = 16 };

static const uint8_t key_bytes[PARSEAL_FCP_KEYBYTES] = {1, 2, 3};
static const parseal_fcp_key good_key = {key_bytes, PARSEAL_FCP_KEYBYTES, 1};

static parseal_fcp_mask good_mask(uint64_t modulus)
{
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    mask.modulus = modulus;
    mask.n = N;
    mask.session_id = "session";
    mask.session_id_len = 7;
    mask.name = "name";
    mask.name_len = 4;
    return mask;
}

static parseal_seeds *set_of(const fixture *f, uint64_t modulus)
{
    const parseal_fcp_mask mask = good_mask(modulus);
    parseal_seeds *set = NULL;
    assert_ok(parseal_fcp_seeds_create(&set, f->ctx, &mask, &good_key, 1));
    return set;
}

static void refuse(const fixture *f, const parseal_fcp_mask *mask, parseal_status want,
                   const char *name)
{
    parseal_seeds *const before = nowhere();
    parseal_seeds *set = before;
    assert_error(parseal_fcp_seeds_create(&set, f->ctx, mask, &good_key, 1), want, name);
    assert_ptr_equal(set, before);
}

static void masks(void **state)
{
    const fixture *f = *state;
    static const uint64_t moduli[] = {0, 1, PARSEAL_FCP_MODULUS_MAX + 1, UINT64_MAX};
    refuse(f, NULL, PARSEAL_ERR_ARG, "mask");
    for (size_t i = 0; i < COUNT_OF(moduli); i++) {
        const parseal_fcp_mask mask = good_mask(moduli[i]);
        refuse(f, &mask, PARSEAL_ERR_ARG, "modulus");
    }
    parseal_fcp_mask mask = good_mask(256);
    mask.n = PARSEAL_FCP_LENGTH_MAX + 1;
    refuse(f, &mask, PARSEAL_ERR_SIZE, "mask.n");
    mask = good_mask(256);
    mask.session_id = NULL;
    refuse(f, &mask, PARSEAL_ERR_ARG, "session_id");
    mask = good_mask(256);
    mask.name = NULL;
    refuse(f, &mask, PARSEAL_ERR_ARG, "name");
    mask = good_mask(256);
    mask.name_len = SIZE_MAX;
    refuse(f, &mask, PARSEAL_ERR_SIZE, "name_len");
    mask = good_mask(256);
    mask.session_id_len = (size_t)UINT32_MAX - 8 - mask.name_len + 1;
    refuse(f, &mask, PARSEAL_ERR_SIZE, "session_id_len");
    mask = good_mask(256);
    mask.struct_size--;
    refuse(f, &mask, PARSEAL_ERR_ARG, "struct_size");
}

static void keys(void **state)
{
    const fixture *f = *state;
    static const size_t lengths[] = {0, 18, 31, 33, 64, SIZE_MAX};
    static const int32_t signs[] = {0, 2, -2, INT32_MIN, INT32_MAX};
    const parseal_fcp_mask mask = good_mask(256);
    parseal_seeds *const before = nowhere();
    parseal_seeds *set = before;
    assert_error(parseal_fcp_seeds_create(NULL, f->ctx, &mask, &good_key, 1), PARSEAL_ERR_ARG,
                 "set");
    assert_error(parseal_fcp_seeds_create(&set, NULL, &mask, &good_key, 1), PARSEAL_ERR_ARG, "ctx");
    assert_error(parseal_fcp_seeds_create(&set, f->ctx, &mask, NULL, 1), PARSEAL_ERR_ARG, "keys");
    assert_error(parseal_fcp_seeds_create(&set, f->ctx, &mask, &good_key, (size_t)INT32_MAX + 1),
                 PARSEAL_ERR_SIZE, "n");
    parseal_fcp_key list[2] = {good_key, good_key};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        list[1].len = lengths[i];
        assert_error(parseal_fcp_seeds_create(&set, f->ctx, &mask, list, 2), PARSEAL_ERR_ARG,
                     "keys[1].len");
    }
    list[1] = good_key;
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        list[1].sign = signs[i];
        assert_error(parseal_fcp_seeds_create(&set, f->ctx, &mask, list, 2), PARSEAL_ERR_ARG,
                     "keys[1].sign");
    }
    list[1] = good_key;
    list[1].key = NULL;
    assert_error(parseal_fcp_seeds_create(&set, f->ctx, &mask, list, 2), PARSEAL_ERR_ARG,
                 "keys[1].key");
    assert_ptr_equal(set, before);
}

typedef parseal_status (*mask_function)(const parseal_seeds *, const parseal_ring *,
                                        const parseal_vec *, uint64_t, void *);

/* Another ring than the set's, or more elements than it has. */
static void calls(void **state)
{
    const fixture *f = *state;
    static const mask_function functions[] = {parseal_mask_apply, parseal_mask_write};
    static const uint64_t firsts[] = {1, N, N + 1, UINT64_MAX - N + 1, UINT64_MAX};
    parseal_seeds *narrow = set_of(f, 256), *wide = set_of(f, UINT64_C(1) << 33);
    uint64_t data[N + 1];
    memset(data, UNTOUCHED, sizeof data);
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        parseal_vec vec = parseal_host_vec(data, N, 4), long_vec = parseal_host_vec(data, N, 8);
        parseal_ring ring = {257, 4, 0};
        assert_error(functions[i](narrow, &ring, &vec, 0, NULL), PARSEAL_ERR_ARG, "ring.modulus");
        ring = (parseal_ring){256, 8, 0};
        assert_error(functions[i](narrow, &ring, &long_vec, 0, NULL), PARSEAL_ERR_ARG,
                     "ring.element_size");
        assert_error(functions[i](wide, &ring, &long_vec, 0, NULL), PARSEAL_ERR_ARG,
                     "ring.modulus");
        ring = (parseal_ring){256, 4, 0};
        for (size_t k = 0; k < COUNT_OF(firsts); k++)
            assert_error(functions[i](narrow, &ring, &vec, firsts[k], NULL), PARSEAL_ERR_SIZE,
                         "first");
        vec = parseal_host_vec(data, N + 1, 4);
        assert_error(functions[i](narrow, &ring, &vec, 0, NULL), PARSEAL_ERR_SIZE, "first");
        vec = parseal_host_vec(data, N, 4);
        assert_stream_refused(functions[i](narrow, &ring, &vec, 0, nowhere()));
    }
    assert_filled(data, sizeof data, UNTOUCHED);
    parseal_seeds_destroy(narrow);
    parseal_seeds_destroy(wide);
}

/* A seed of fcp is none to round with. */
static void rounding(void **state)
{
    const fixture *f = *state;
    parseal_seeds *set = set_of(f, UINT64_C(1) << 32);
    parseal_quant quant = PARSEAL_QUANT_INIT;
    float x[N] = {0};
    uint32_t q[N];
    memset(q, UNTOUCHED, sizeof q);
    quant.clip = 1;
    parseal_vec from = parseal_host_vec(x, N, 4), to = parseal_host_vec(q, N, 4);
    assert_error(parseal_quantize(f->ctx, &quant, &from, &to, set, 0, NULL, NULL), PARSEAL_ERR_ARG,
                 "seed");
    assert_filled(q, sizeof q, UNTOUCHED);
    parseal_seeds_destroy(set);
}

/* No keys, no elements, no texts. */
static void nothing_to_do(void **state)
{
    const fixture *f = *state;
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_seeds *none = NULL, *empty = NULL;
    const parseal_ring ring = {1024, 4, 0};
    uint32_t data[3] = {0, 0, 0};
    memset(data, 0xff, sizeof data);
    parseal_vec vec = parseal_host_vec(data, 3, 4), nothing = parseal_host_vec(NULL, 0, 4);
    mask.modulus = 1024;
    assert_ok(parseal_fcp_seeds_create(&empty, f->ctx, &mask, &good_key, 1));
    assert_ok(parseal_mask_apply(empty, &ring, &nothing, 0, NULL));
    mask.n = 3;
    assert_ok(parseal_fcp_seeds_create(&none, f->ctx, &mask, NULL, 0));
    assert_ok(parseal_mask_apply(none, &ring, &nothing, 3, NULL));
    assert_ok(parseal_mask_apply(none, &ring, &vec, 0, NULL)); /* reduced */
    for (size_t i = 0; i < 3; i++) {
        const uint8_t want[4] = {0xff, 3, 0, 0};
        assert_bytes(&data[i], want, sizeof want);
    }
    assert_ok(parseal_mask_write(none, &ring, &vec, 0, NULL));
    assert_filled(data, sizeof data, 0);
    parseal_seeds_destroy(none);
    parseal_seeds_destroy(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(masks),    WITH_FIXTURE(keys),          WITH_FIXTURE(calls),
        WITH_FIXTURE(rounding), WITH_FIXTURE(nothing_to_do),
    };
    return RUN_SUITE("fcp_errors", tests);
}
