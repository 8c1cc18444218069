/* HKDF-SHA256 by RFC 5869's test cases and, where the folder of vectors is there, by every vector
 * of Project Wycheproof's hkdf_sha256_test.json. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hex.h"
#include "host/support/hkdf.h"
#include "run.h"
#include "vectors.h"

enum { BYTES_MAX = 1024 };

static const json_t *root;

typedef struct {
    uint8_t ikm[BYTES_MAX], salt[BYTES_MAX], info[BYTES_MAX];
    uint8_t okm[HKDF_SHA256_BYTES_MAX];
    size_t ikm_len, salt_len, info_len, okm_len;
} vector;

static void run_vector(const vector *v)
{
    uint8_t out[HKDF_SHA256_BYTES_MAX + 1];
    memset(out, UNTOUCHED, sizeof out);
    hkdf_sha256(out, v->okm_len, v->ikm, v->ikm_len, v->salt_len > 0 ? v->salt : NULL, v->salt_len,
                v->info_len > 0 ? v->info : NULL, v->info_len);
    assert_bytes(out, v->okm, v->okm_len);
    assert_filled(out + v->okm_len, sizeof out - v->okm_len, UNTOUCHED);
}

/* These are appendix A's test cases 1 to 3. */
static void rfc_5869(void **state)
{
    static const struct {
        const char *ikm, *salt, *info, *okm;
    } cases[] = {
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
         "f0f1f2f3f4f5f6f7f8f9",
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
         "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
         "404142434445464748494a4b4c4d4e4f",
         "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
         "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
         "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
         "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
         "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
         "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
         "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
         "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        vector v;
        v.ikm_len = hex_decode(cases[i].ikm, v.ikm, sizeof v.ikm);
        v.salt_len = hex_decode(cases[i].salt, v.salt, sizeof v.salt);
        v.info_len = hex_decode(cases[i].info, v.info, sizeof v.info);
        v.okm_len = hex_decode(cases[i].okm, v.okm, sizeof v.okm);
        run_vector(&v);
    }
}

static void try_vector(const json_t *test, size_t *valid, size_t *too_long)
{
    const char *result = member_string(test, "result");
    vector v;
    if (strcmp(result, "valid") != 0) { /* The only invalid kind is an output that is too long. */
        assert_string_equal(result, "invalid");
        assert_true(member_int(test, "size") > (json_int_t)HKDF_SHA256_BYTES_MAX);
        *too_long += 1;
        return;
    }
    v.ikm_len = hex_decode(member_string(test, "ikm"), v.ikm, sizeof v.ikm);
    v.salt_len = hex_decode(member_string(test, "salt"), v.salt, sizeof v.salt);
    v.info_len = hex_decode(member_string(test, "info"), v.info, sizeof v.info);
    v.okm_len = hex_decode(member_string(test, "okm"), v.okm, sizeof v.okm);
    assert_int_equal(v.okm_len, member_int(test, "size"));
    run_vector(&v);
    *valid += 1;
}

static void wycheproof(void **state)
{
    const json_t *group, *test;
    size_t i, j, valid = 0, too_long = 0;
    (void)state;
    json_array_foreach(member_array(root, "testGroups"), i, group)
    {
        json_array_foreach(member_array(group, "tests"), j, test)
        {
            try_vector(test, &valid, &too_long);
        }
    }
    print_message("%zu valid vectors; not expressible: %zu with outputs that are too long\n", valid,
                  too_long);
    assert_true(valid > 0);
    assert_int_equal(valid + too_long, member_int(root, "numberOfTests"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rfc_5869), cmocka_unit_test(wycheproof)};
    json_t *file = vectors_load(argc > 1 ? argv[1] : ".", "hkdf_sha256_test.json");
    if (sodium_init() < 0)
        return EXIT_FAILURE;
    root = file;
    int failed = run_suite("hkdf", tests, file != NULL ? 2 : 1);
    json_decref(file);
    if (file == NULL && failed == 0)
        return run_skip("hkdf_sha256_test.json is not there (PARSEAL_VECTORS_DIR)");
    return failed;
}
