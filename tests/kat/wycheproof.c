/* Project Wycheproof's aes_gcm_test.json: every vector that the API can express, both ways. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "hex.h"
#include "run.h"
#include "vectors.h"

enum { BYTES_MAX = 1024 };

static const json_t *root;

typedef struct {
    size_t valid, invalid, other_nonce, other_key;
} tally;

typedef struct {
    uint8_t key[32], aad[BYTES_MAX], text[BYTES_MAX], cipher[BYTES_MAX], tag[16];
    uint8_t nonce[PARSEAL_AES256GCM_NONCEBYTES];
    size_t aad_len, len;
    bool valid;
} vector;

static void decode(const json_t *test, vector *v)
{
    hex_decode(member_string(test, "key"), v->key, sizeof v->key);
    hex_decode(member_string(test, "iv"), v->nonce, sizeof v->nonce);
    assert_int_equal(hex_decode(member_string(test, "tag"), v->tag, sizeof v->tag), sizeof v->tag);
    v->aad_len = hex_decode(member_string(test, "aad"), v->aad, BYTES_MAX);
    v->len = hex_decode(member_string(test, "ct"), v->cipher, BYTES_MAX);
    assert_int_equal(hex_decode(member_string(test, "msg"), v->text, BYTES_MAX), v->len);
    const char *result = member_string(test, "result");
    v->valid = strcmp(result, "valid") == 0;
    assert_true(v->valid || strcmp(result, "invalid") == 0);
}

static void run_vector(parseal_ctx *ctx, int32_t alg, const vector *v)
{
    uint8_t out[BYTES_MAX];
    parseal_keys *keys = NULL;
    assert_ok(parseal_keys_create(&keys, ctx, alg, v->key, 1, NULL));
    parseal_msg msg = {
        .in = v->cipher, .out = out, .len = v->len, .aad = v->aad, .aad_len = v->aad_len};
    memcpy(msg.nonce, v->nonce, sizeof v->nonce);
    memcpy(msg.tag, v->tag, sizeof msg.tag);
    memset(out, UNTOUCHED, sizeof out);
    if (v->valid) {
        assert_ok(parseal_open(keys, &msg, 1, NULL));
        assert_bytes(out, v->text, v->len);
        msg.in = v->text;
        assert_ok(parseal_seal(keys, &msg, 1));
        assert_bytes(out, v->cipher, v->len);
        assert_bytes(msg.tag, v->tag, sizeof v->tag);
    } else {
        size_t failed = 0;
        assert_status(parseal_open(keys, &msg, 1, &failed), PARSEAL_ERR_AUTH);
        assert_int_equal(failed, 1);
        assert_int_equal(msg.status, PARSEAL_ITEM_BAD_TAG);
        assert_filled(out, v->len, 0);
    }
    parseal_keys_destroy(keys);
}

static void run_group(parseal_ctx *ctx, const json_t *group, tally *seen)
{
    json_int_t key_bits = member_int(group, "keySize");
    json_int_t iv_bits = member_int(group, "ivSize");
    int32_t alg = key_bits == 128 ? PARSEAL_AES128GCM : PARSEAL_AES256GCM;
    const json_t *tests = member_array(group, "tests");
    const json_t *test;
    size_t i;
    assert_int_equal(member_int(group, "tagSize"), 128);
    json_array_foreach(tests, i, test)
    {
        vector v;
        if (key_bits != 128 && key_bits != 256) {
            seen->other_key++;
        } else if (iv_bits != 96) {
            seen->other_nonce++;
        } else {
            decode(test, &v);
            run_vector(ctx, alg, &v);
            *(v.valid ? &seen->valid : &seen->invalid) += 1;
        }
    }
}

static void aes_gcm_vectors(void **state)
{
    (void)state;
    tally seen = {0};
    const json_t *group;
    size_t i;
    parseal_ctx *ctx = run_ctx(1);
    json_array_foreach(member_array(root, "testGroups"), i, group) run_group(ctx, group, &seen);
    parseal_ctx_destroy(ctx);
    print_message("%zu valid and %zu invalid vectors; not expressible: %zu with other nonce sizes, "
                  "%zu with 192-bit keys\n",
                  seen.valid, seen.invalid, seen.other_nonce, seen.other_key);
    assert_true(seen.valid > 0 && seen.invalid > 0);
    assert_int_equal(seen.valid + seen.invalid + seen.other_nonce + seen.other_key,
                     member_int(root, "numberOfTests"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(aes_gcm_vectors)};
    json_t *file = vectors_load(argc > 1 ? argv[1] : ".", "aes_gcm_test.json");
    if (file == NULL)
        return run_skip("aes_gcm_test.json is not there (PARSEAL_VECTORS_DIR)");
    root = file;
    int failed = RUN_SUITE_PER_IMPL("wycheproof", OF(PARSEAL_PRIMITIVE_AEAD), tests);
    json_decref(file);
    return failed;
}
