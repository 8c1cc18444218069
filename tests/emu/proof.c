/* A device whose aead_hash_mma does nothing: contexts find that out before they use it, and the
 * tags of messages that it would have hashed are right. And one without room for its matrices. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/dynlib.h"
#include "kernels/common/cuda_kernels.h"
#include "run.h"

enum { LENGTH = 160 << 10 }; /* enough to be worth loading a key's matrices */

static const char mma[] = "aead_hash_mma";
static uint64_t (*launches)(const char *name);
static void (*break_kernel)(const char *name);
static void (*refuse_size)(size_t size);

static void seal(int32_t backend, uint8_t *text, uint8_t tag[PARSEAL_TAGBYTES])
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_msg msg = {.in = text, .out = text, .len = LENGTH, .nonce = {9}};
    const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
    memset(text, 0x5c, LENGTH);
    options.backend = backend;
    assert_ok(parseal_ctx_create(&ctx, &options));
    refuse_size(0); /* what has not been proved is not used later on either */
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1));
    assert_ok(parseal_seal(keys, &msg, 1));
    memcpy(tag, msg.tag, sizeof msg.tag);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* How often the kernel ran while a context was made, with no memory for `refused` bytes at once,
 * and a message sealed, whose tag is right. */
static uint64_t runs_of_seal(size_t refused)
{
    uint8_t *text = malloc(LENGTH), tag[PARSEAL_TAGBYTES], want[PARSEAL_TAGBYTES];
    assert_non_null(text);
    seal(PARSEAL_BACKEND_CPU, text, want);
    const uint64_t before = launches(mma);
    refuse_size(refused);
    seal(PARSEAL_BACKEND_CUDA, text, tag);
    free(text);
    assert_bytes(tag, want, sizeof tag);
    return launches(mma) - before;
}

static void is_used_where_it_is_right(void **state)
{
    (void)state;
    assert_int_equal(runs_of_seal(0), 2);
}

static void is_not_used_where_it_is_wrong(void **state)
{
    (void)state;
    break_kernel(mma);
    assert_int_equal(runs_of_seal(0), 1);
    break_kernel("");
}

static void is_not_used_where_it_has_no_memory(void **state)
{
    (void)state;
    assert_int_equal(runs_of_seal(GHASH_MATRIX_BYTES), 0);
}

int main(void)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_used_where_it_is_right),
        cmocka_unit_test(is_not_used_where_it_is_wrong),
        cmocka_unit_test(is_not_used_where_it_has_no_memory),
    };
    void *library = dynlib_open(names);
    if (library != NULL) {
        dynlib_function(library, "fake_launches", &launches, sizeof launches);
        dynlib_function(library, "shim_break_kernel", &break_kernel, sizeof break_kernel);
        dynlib_function(library, "shim_refuse_size", &refuse_size, sizeof refuse_size);
    }
    if (launches == NULL || break_kernel == NULL || refuse_size == NULL)
        return run_skip("no emulated driver");
    return cmocka_run_group_tests_name("proof", tests, NULL, NULL);
}
