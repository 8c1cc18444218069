/* Sealed streams against fixed vectors, computed from the format's specification with another
 * library's AES-GCM and HKDF. All have the key 00 01 02 ..., header bytes 40 41 42 ... behind the
 * first, and the plaintext of fill_plain. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hex.h"
#include "parseal/sealed.h"
#include "run.h"

enum { KEY_MAX = 40, SMALL_SEGMENT = 64, SMALL_MAX = 256 };

/* These are whole sealed streams, with segments of 64 bytes. */
static const struct {
    size_t key_len;
    int32_t alg;
    const char *aad;
    size_t len;
    const char *sealed;
} small[] = {
    {32, PARSEAL_AES256GCM, "parseal", 0,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f60616263646566a29648845496bffdb733b00793c8c482"},
    {32, PARSEAL_AES256GCM, "parseal", 1,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465663630e5dbec56b147bb462845939f999e89"},
    {32, PARSEAL_AES256GCM, "parseal", 7,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465663604d00b54a3b6bb77dadd25b4ad23bb10c7c7e850b249"},
    {32, PARSEAL_AES256GCM, "parseal", 8,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465663604d00b54a3b65239b033304985f3bc86f62a7c054b92e8"},
    {32, PARSEAL_AES256GCM, "parseal", 9,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465669eb8bae7f71d7a0b93c99b62f7fbc2f3ad08c11090d4fe65"
     "7b44d2b8420cba322cbe0f400bcdcab23c"},
    {32, PARSEAL_AES256GCM, "parseal", 57,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465669eb8bae7f71d7a0b93c99b62f7fbc2f3ad08c11090d4fe65"
     "6b934f68af55588e3dcbceea1ae06a57eb5d176cf952c32d2896526dd5e5a7d2"
     "581c4ab5bb80d920f48488f2ea3d30fe9347426f8f778bcaca8a99efd9ddbd54"
     "933352ced061eb63db325f5027722ba1d5"},
    {32, PARSEAL_AES256GCM, "parseal", 105,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465669eb8bae7f71d7a0b93c99b62f7fbc2f3ad08c11090d4fe65"
     "6b934f68af55588e3dcbceea1ae06a57eb5d176cf952c32d2896526dd5e5a7d2"
     "581c4ab5bb80d920f48488f2ea3d30fe9347426f8f778bcaca8a99efd9ddbd54"
     "ca650ed226dff4a44d195e77628bd33d896c3700a5fd70ceaa6b1fd77d82d637"
     "c14ac5165dad47135a2377a13d7106432ecc6abfb50d9de0e5ac982646a627ad"
     "c70301abc22ef41f4465d2f9d9c24b2966"},
    {16, PARSEAL_AES128GCM, "", 0,
     "18404142434445464748494a4b4c4d4e4f50515253545556c56f23e560c85b5f"
     "dd15eb26ac311e46"},
    {16, PARSEAL_AES128GCM, "", 24,
     "18404142434445464748494a4b4c4d4e4f50515253545556e2bf9e8f265a1f0a"
     "4eeba3f142f41e0db0ad1a7628d08b17c5dcb6d38c21ba2e0cd5f8ad634df566"},
    {16, PARSEAL_AES128GCM, "", 25,
     "18404142434445464748494a4b4c4d4e4f50515253545556b2b7c80e0c775ac1"
     "09d7dce96b68496f89280edc8e8e076f390d7be0fbb44ecbf6d9b4698f92ae23"
     "4a67592a87cd7d8136693f49a11eb2c31e"},
    {16, PARSEAL_AES128GCM, "", 72,
     "18404142434445464748494a4b4c4d4e4f50515253545556b2b7c80e0c775ac1"
     "09d7dce96b68496f89280edc8e8e076f390d7be0fbb44ecbf6d9b4698f92ae23"
     "4adc1530eb5ca0b1d4d73ab0940518f469e8e35582ca2408e6446b1d6c5d9781"
     "41bbafb32deef4a20ff92e78b63e08a09d02b8ea821bd7cda78f4fa72cf3c958"},
    {16, PARSEAL_AES128GCM, "", 73,
     "18404142434445464748494a4b4c4d4e4f50515253545556b2b7c80e0c775ac1"
     "09d7dce96b68496f89280edc8e8e076f390d7be0fbb44ecbf6d9b4698f92ae23"
     "bee7e3510d112c8feaebe5fd29d3bb7634b746d752e49e22411f2f40c19b0d29"
     "75aef32b265775e69436a33fb7410da0a80737a5c7742b9c16fa5593043ccff7"
     "d2962c3de70663c747973b793984cd36b1"},
    {40, PARSEAL_AES256GCM, "", 100,
     "28404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e"
     "5f606162636465666f29be75f3a16af7e4a4d8b93c51316c2d45fa809ba06034"
     "eeef89b7b3e05cf1b625a0720a2ff39b8ec37c4c5eb36cf67157bbb548644bb2"
     "1ea4b92a407ba5be4c42c8ce1fac485e33f5188cd8670dd25dc9a1357a47e74b"
     "6af2a32c5cd9d24ede72575507c4a3df5781cf6711cf5c734cf3032ac35597f0"
     "6885e73cb432cd50607762c1865eed49a7478b8a2fe231fc567f86fa"},
};

/* These have Tink's parameters, and are given by the SHA-256 of the sealed stream. */
static const struct {
    int32_t alg;
    uint32_t segment_size;
    const char *aad;
    size_t len, sealed_len;
    const char *sha256;
} large[] = {
    {PARSEAL_AES256GCM, PARSEAL_SEALED_4KB, "parseal", 0, 56,
     "186af4a3f24da4db9683aee1ad596526fc6387d8a56d12851f7397ded2510041"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_4KB, "parseal", 4040, 4096,
     "5432a86ee4ef385ce7d2c5e5c31cb51ef0361d041c79aa580b1dd65169ae7b32"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_4KB, "parseal", 4041, 4113,
     "7fc523b4af94060b4e9c630f4d4ad5fb1a453e7c0062eb435049fc88029155a2"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_4KB, "parseal", 8120, 8192,
     "3bff9f046c9f5419e31e9cf59aa35c9edc6d7a9cc9003f3f356cac7a6763018a"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_4KB, "parseal", 8121, 8209,
     "7e6c979f0fe33d36df8ee8b126af7508d7d7bd932ecb633c6887576728eb6f22"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_4KB, "parseal", 100000, 100440,
     "ce2358c7c3048f685954597023e3903710f4e3de47455ca28e56f503aebcab69"},
    {PARSEAL_AES128GCM, PARSEAL_SEALED_4KB, "round 7", 4056, 4096,
     "e49a26d189e4d4c0566756a930a8af3c8974bc8ce9bdbf6bf4e98dc56ff5ee89"},
    {PARSEAL_AES128GCM, PARSEAL_SEALED_4KB, "round 7", 4057, 4113,
     "d83f44955f07f8bfc5f35556880489665f2962a4a181e1b07684c8dffc7c1d1f"},
    {PARSEAL_AES128GCM, PARSEAL_SEALED_4KB, "round 7", 20000, 20104,
     "878b634e365cf8305d75503d799337da06ba5a5689728d8bd4a27476df6a2ba7"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_1MB, "parseal", 0, 56,
     "186af4a3f24da4db9683aee1ad596526fc6387d8a56d12851f7397ded2510041"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_1MB, "parseal", 1048520, 1048576,
     "b36de6d666e7d92d7dd109c17a36933d7308ecad92a9464e824a16b3ad3370c5"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_1MB, "parseal", 1048521, 1048593,
     "bc3932f7e6d4c02a092f3d8855967543182fd5cffe235890d81b569ae9390013"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_1MB, "parseal", 2097080, 2097152,
     "bd61c61cbd9742dc9f90ad7bee171eb33a3ca36fa8cd5e147d56f4e3845a5e04"},
    {PARSEAL_AES256GCM, PARSEAL_SEALED_1MB, "parseal", 3000000, 3000088,
     "f43b01f4190c75ce2a52188d02769ebd8bfe3d16562ca5447afefae4573edcb8"},
    {PARSEAL_AES128GCM, PARSEAL_SEALED_1MB, "", 1048536, 1048576,
     "75bc9db5565d6fb9309127f1c4d89a84c812f76de95e132554b791b269d9748d"},
    {PARSEAL_AES128GCM, PARSEAL_SEALED_1MB, "", 1048537, 1048593,
     "b08264176ddc7ff629caa111e9a57ba4960ce16ae34c72d8ac765d0b46564a4f"},
};

/* ---------------------------------------------------------- libsodium's randomness, counting -- */

static const char *counting_name(void)
{
    return "counting";
}

static uint32_t counting_random(void)
{
    return 0;
}

static void counting_buf(void *const buf, const size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)buf)[i] = (uint8_t)(0x40 + i);
}

static randombytes_implementation counting = {
    .implementation_name = counting_name, .random = counting_random, .buf = counting_buf};

/* ------------------------------------------------------------------------------------- tests -- */

static void fill_key(uint8_t key[KEY_MAX])
{
    for (int i = 0; i < KEY_MAX; i++)
        key[i] = (uint8_t)i;
}

static void fill_plain(uint8_t *plain, size_t len)
{
    for (size_t i = 0; i < len; i++)
        plain[i] = (uint8_t)(i * 7 + (i >> 8) * 3);
}

static parseal_sealed_params params_of(int32_t alg, uint32_t segment_size, const char *aad)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    params.alg = alg;
    params.segment_size = segment_size;
    params.aad = aad;
    params.aad_len = strlen(aad);
    return params;
}

static void streams_in_full(void **state)
{
    parseal_ctx *ctx = run_ctx(0);
    uint8_t key[KEY_MAX];
    (void)state;
    fill_key(key);
    for (size_t i = 0; i < COUNT_OF(small); i++) {
        uint8_t plain[SMALL_MAX], sealed[SMALL_MAX], out[SMALL_MAX];
        const parseal_sealed_params params = params_of(small[i].alg, SMALL_SEGMENT, small[i].aad);
        const size_t size = hex_decode(small[i].sealed, sealed, sizeof sealed);
        size_t written = 0;
        fill_plain(plain, small[i].len);
        assert_ok(parseal_sealed_seal(ctx, &params, key, small[i].key_len, plain, small[i].len, out,
                                      sizeof out, &written));
        assert_int_equal(written, size);
        assert_bytes(out, sealed, size);
        assert_ok(parseal_sealed_open(ctx, &params, key, small[i].key_len, sealed, size, out,
                                      sizeof out, &written));
        assert_int_equal(written, small[i].len);
        assert_bytes(out, plain, written);
    }
    parseal_ctx_destroy(ctx);
}

static void digests(void **state)
{
    parseal_ctx *ctx = run_ctx(0);
    uint8_t key[KEY_MAX], want[32], got[32];
    (void)state;
    fill_key(key);
    for (size_t i = 0; i < COUNT_OF(large); i++) {
        const parseal_sealed_params params =
            params_of(large[i].alg, large[i].segment_size, large[i].aad);
        const size_t key_len = large[i].alg == PARSEAL_AES128GCM ? 16 : 32;
        uint8_t *plain = malloc(large[i].len + 1), *sealed = malloc(large[i].sealed_len);
        size_t written = 0;
        assert_non_null(plain);
        assert_non_null(sealed);
        fill_plain(plain, large[i].len);
        assert_ok(parseal_sealed_seal(ctx, &params, key, key_len, plain, large[i].len, sealed,
                                      large[i].sealed_len, &written));
        assert_int_equal(written, large[i].sealed_len);
        crypto_hash_sha256(got, sealed, written);
        hex_decode(large[i].sha256, want, sizeof want);
        assert_bytes(got, want, sizeof want);
        free(plain);
        free(sealed);
    }
    parseal_ctx_destroy(ctx);
}

/* The params' default is Tink's default. */
static void defaults(void **state)
{
    const parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    uint8_t key[KEY_MAX], with[64], without[64];
    size_t written = 0;
    parseal_ctx *ctx = run_ctx(0);
    (void)state;
    fill_key(key);
    assert_int_equal(params.segment_size, 1 << 20);
    assert_int_equal(params.alg, PARSEAL_AES256GCM);
    assert_ok(parseal_sealed_seal(ctx, &params, key, 32, "x", 1, with, sizeof with, &written));
    assert_int_equal(written, 57);
    assert_ok(parseal_sealed_seal(ctx, NULL, key, 32, "x", 1, without, sizeof without, &written));
    assert_bytes(with, without, 57);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(streams_in_full), cmocka_unit_test(digests),
                                       cmocka_unit_test(defaults)};
    if (sodium_init() < 0 || randombytes_set_implementation(&counting) != 0)
        return EXIT_FAILURE;
    return RUN_SUITE_PER_IMPL("sealed", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
