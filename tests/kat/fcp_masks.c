/* Masks as Google's fcp/secagg expands them (fcp_masks.json, which is its output). */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hex.h"
#include "parseal/fcp.h"
#include "ring.h"
#include "run.h"
#include "vectors.h"

enum { KEYS_MAX = 16, TEXT_MAX = 256, EMULATED_MAX = 1000 };

static const json_t *root;

typedef struct {
    parseal_fcp_mask mask;
    parseal_ring ring;
    parseal_fcp_key keys[KEYS_MAX];
    size_t n_keys;
    uint8_t bytes[KEYS_MAX][PARSEAL_FCP_KEYBYTES], session[TEXT_MAX];
    uint8_t digest[crypto_hash_sha256_BYTES];
    const json_t *expected;
} vector;

static void add_keys(vector *v, const json_t *list, int32_t sign)
{
    const json_t *text;
    size_t i;
    json_array_foreach(list, i, text)
    {
        assert_true(v->n_keys < KEYS_MAX);
        uint8_t *to = v->bytes[v->n_keys];
        const size_t len = hex_decode(json_string_value(text), to, PARSEAL_FCP_KEYBYTES);
        v->keys[v->n_keys++] = (parseal_fcp_key){to, len, sign};
    }
}

static uint64_t number(const json_t *value)
{
    return json_is_string(value) ? strtoumax(json_string_value(value), NULL, 10)
                                 : (uint64_t)json_integer_value(value);
}

static void read_vector(const json_t *test, vector *v)
{
    *v = (vector){.mask = PARSEAL_FCP_MASK_INIT};
    v->mask.modulus = number(json_object_get(test, "modulus"));
    v->mask.n = number(json_object_get(test, "length"));
    v->mask.session_id = v->session;
    v->mask.session_id_len =
        hex_decode(member_string(test, "session_id_hex"), v->session, sizeof v->session);
    v->mask.name = member_string(test, "name");
    v->mask.name_len = json_string_length(json_object_get(test, "name")); /* It has zero bytes. */
    v->ring = (parseal_ring){v->mask.modulus, v->mask.modulus <= UINT64_C(1) << 32 ? 4 : 8, 0};
    add_keys(v, member_array(test, "prng_keys_to_add_hex"), 1);
    add_keys(v, member_array(test, "prng_keys_to_subtract_hex"), -1);
    v->expected = member_array(test, "expected");
    assert_int_equal(
        hex_decode(member_string(test, "sha256_of_all_elements_LE64"), v->digest, sizeof v->digest),
        sizeof v->digest);
}

static void check_elements(const vector *v, const void *elements)
{
    const json_t *value;
    size_t i;
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    json_array_foreach(v->expected, i, value)
        assert_int_equal(elem_load(elements, i, v->ring.element_size), number(value));
    crypto_hash_sha256_init(&state);
    for (i = 0; i < v->mask.n; i++) {
        uint8_t word[8];
        elem_store(word, 0, 8, elem_load(elements, i, v->ring.element_size));
        crypto_hash_sha256_update(&state, word, sizeof word);
    }
    crypto_hash_sha256_final(&state, digest);
    assert_bytes(digest, v->digest, sizeof digest);
}

/* The mask comes out as a whole, and as the same in three slices. */
static void check_set(const vector *v, const parseal_seeds *set)
{
    const uint32_t size = v->ring.element_size;
    const uint64_t n = v->mask.n, cuts[] = {0, n / 3, n - n / 4, n};
    uint8_t *elements = malloc((size_t)n * size + 1);
    assert_non_null(elements);
    memset(elements, UNTOUCHED, (size_t)n * size);
    parseal_vec out = parseal_host_vec(elements, n, size);
    assert_ok(parseal_mask_write(set, &v->ring, &out, 0, NULL));
    check_elements(v, elements);
    memset(elements, 0, (size_t)n * size);
    for (size_t i = 0; i + 1 < COUNT_OF(cuts); i++) {
        parseal_vec part = parseal_host_vec(elements + cuts[i] * size, cuts[i + 1] - cuts[i], size);
        assert_ok(parseal_mask_apply(set, &v->ring, &part, cuts[i], NULL));
    }
    check_elements(v, elements);
    free(elements);
}

static bool on_this_backend(const vector *v)
{
    return run_backend() == PARSEAL_BACKEND_CPU || (v->mask.modulus & (v->mask.modulus - 1)) == 0;
}

static void run_vector(parseal_ctx *ctx, const vector *v)
{
    parseal_seeds *set = NULL;
    if (!on_this_backend(v)) {
        assert_error(parseal_fcp_seeds_create(&set, ctx, &v->mask, v->keys, v->n_keys),
                     PARSEAL_ERR_UNSUPPORTED, "modulus");
        return;
    }
    assert_ok(parseal_fcp_seeds_create(&set, ctx, &v->mask, v->keys, v->n_keys));
    check_set(v, set);
    parseal_seeds_destroy(set);
}

static void masks(void **state)
{
    (void)state;
    static const uint32_t threads[] = {1, 2, 7};
    for (size_t t = 0; t < COUNT_OF(threads); t++) {
        parseal_ctx *ctx = run_ctx(threads[t]);
        const json_t *test;
        size_t i;
        json_array_foreach(root, i, test)
        {
            vector v;
            read_vector(test, &v);
            if (!run_emulated() || v.mask.n <= EMULATED_MAX)
                run_vector(ctx, &v);
        }
        assert_true(i > 0);
        print_message("%zu vectors\n", i);
        parseal_ctx_destroy(ctx);
        if (run_backend() != PARSEAL_BACKEND_CPU)
            break;
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(masks)};
    json_t *file = vectors_load(argc > 1 ? argv[1] : ".", "fcp_masks.json");
    if (file == NULL)
        return run_skip("fcp_masks.json is not there (PARSEAL_VECTORS_DIR)");
    root = file;
    int failed = RUN_SUITE_PER_IMPL("fcp_masks", OF(PARSEAL_PRIMITIVE_FCP), tests);
    json_decref(file);
    return failed;
}
