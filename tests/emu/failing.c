/* Devices that compute wrongly, machines without pinned memory, and the CPU beside a device that
 * AUTO has picked. */
#include <stdio.h>
#include <string.h>

#include "host/backend/objects.h"
#include "kernels/kernels.h"
#include "machines.h"
#include "run.h"

static const char *const kernels[] = {
#define NAME(file, name, threads, shared, items) #name,
    CUDA_KERNELS(NAME)
#undef NAME
};

/* What no result depends on: powers of H for longer messages than there may be, and what is wiped
 * when it has been used; of the second key, what only long messages take, as the self-test's has
 * the first. A kernel that changes such bytes after all others. */
static bool last_byte_is_of_no_use(const char *kernel)
{
    static const char *const such[] = {"keys_expand", "keys_matrices", "keys_rows", "aead_weigh",
                                       "aead_finish"};
    for (size_t i = 0; i < COUNT_OF(such); i++)
        if (strcmp(kernel, such[i]) == 0)
            return true;
    return false;
}

/* One way to hash gives way to another. */
static bool has_another(const char *kernel)
{
    static const char *const ways[] = {"keys_rows", "aead_hash_clmad", "aead_seal", "keys_matrices",
                                       "aead_hash_mma"};
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (strncmp(kernel, ways[i], strlen(ways[i])) == 0)
            return true;
    return false;
}

/* Whether some result on the device was spoilt. If so, the device is refused, or it says that it
 * works in another way. */
static bool spoil(const char *kernel, const char *device)
{
    parseal_ctx *ctx;
    parseal_info info = PARSEAL_INFO_INIT;
    const uint64_t before = machine.wrong();
    machine_set("PARSEAL_EMU_WRONG", kernel);
    machine_set("PARSEAL_CUDA_DEVICE", device);
    const parseal_status status = open_ctx(&ctx, PARSEAL_BACKEND_CUDA);
    const bool wrong = machine.wrong() > before;
    if (status != (wrong && !has_another(kernel) ? PARSEAL_ERR_SELFTEST : PARSEAL_OK))
        fail_msg("%s is %s on device %s, and the device %s", kernel, wrong ? "wrong" : "unused",
                 device, parseal_status_name(status));
    if (status == PARSEAL_OK)
        assert_ok(parseal_ctx_info(ctx, &info));
    if (status == PARSEAL_OK && wrong && strstr(info.reason, "failed its self-test") == NULL)
        fail_msg("%s is wrong on device %s, and nothing notices", kernel, device);
    parseal_ctx_destroy(ctx);
    return wrong;
}

/* On the device that uses it: one of capability 9.0, one of 7.5, or one that lacks carry-less
 * multiplications alone. */
static bool spoil_somewhere(const char *kernel)
{
    const bool first = spoil(kernel, "0"), second = spoil(kernel, "1");
    if (first || second)
        return true;
    machine_set("PARSEAL_EMU_CLMAD", "0");
    const bool without = spoil(kernel, "0");
    machine_set("PARSEAL_EMU_CLMAD", NULL);
    return without;
}

/* The first or the last byte that it changes. */
static void every_kernel_that_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kernels); i++)
        for (int last = 0; last < 2; last++) {
            char wrong[40];
            if (last != 0 && last_byte_is_of_no_use(kernels[i]))
                continue;
            snprintf(wrong, sizeof wrong, "%s%s", kernels[i], last == 0 ? ":" : "");
            if (!spoil_somewhere(wrong))
                fail_msg("no self-test runs %s", wrong);
        }
}

/* Each way to hash is wrong in turn, and the next one is right. */
static void the_next_way_to_hash(void **state)
{
    (void)state;
    static const struct {
        const char *clmad, *wrong, *taken, *reason;
    } rows[] = {
        {NULL, "aead_hash_clmad", "mma", "cuda: aead clmad failed its self-test"},
        {NULL, "aead_seal", "mma", "cuda: aead clmad failed its self-test"},
        {NULL, "keys_rows:", "mma", "cuda: aead clmad failed its self-test"},
        {"0", "aead_hash_mma", "integer", "cuda: aead mma failed its self-test"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        parseal_ctx *ctx;
        parseal_info info = PARSEAL_INFO_INIT;
        parseal_primitive_info aead = PARSEAL_PRIMITIVE_INFO_INIT;
        machine_set("PARSEAL_EMU_CLMAD", rows[i].clmad);
        machine_set("PARSEAL_EMU_WRONG", rows[i].wrong);
        assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_CUDA));
        machine_set("PARSEAL_EMU_WRONG", NULL);
        assert_ok(parseal_ctx_info(ctx, &info));
        assert_non_null(strstr(info.reason, rows[i].reason));
        assert_ok(parseal_ctx_primitive(ctx, PARSEAL_PRIMITIVE_AEAD, &aead));
        assert_string_equal(aead.impl, rows[i].taken);
        machine_check(ctx);
    }
}

static void the_cpu_instead(void **state)
{
    (void)state;
    parseal_ctx *ctx;
    parseal_info info = PARSEAL_INFO_INIT;
    machine_set("PARSEAL_EMU_WRONG", "sum32");
    assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_AUTO));
    assert_ok(parseal_ctx_info(ctx, &info));
    assert_int_equal(info.backend, PARSEAL_BACKEND_CPU);
    assert_non_null(strstr(info.reason, "self-test"));
    assert_non_null(strstr(info.reason, "vec_sum"));
    machine_check(ctx);
}

/* Pageable memory is as good, only slower. */
static void without_pinned_memory(void **state)
{
    (void)state;
    parseal_ctx *ctx;
    machine_set("PARSEAL_EMU_PINNED", "0");
    assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_CUDA));
    machine_check(ctx);
}

static uint64_t sealed_on_the_device(const parseal_keys *keys, size_t len)
{
    static uint8_t bytes[4096];
    const uint64_t before = machine.launches("aead_seal");
    parseal_msg m = {.in = bytes, .out = bytes, .len = len};
    assert_ok(parseal_seal(keys, &m, 1));
    return machine.launches("aead_seal") - before;
}

/* Batches of fewer bytes than the crossover are the CPU's. */
static void small_batches_stay_on_the_cpu(void **state)
{
    (void)state;
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1};
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_info info = PARSEAL_INFO_INIT;
    assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_AUTO));
    assert_ok(parseal_ctx_info(ctx, &info));
    assert_int_equal(info.backend, PARSEAL_BACKEND_CUDA);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    ctx->crossover[PARSEAL_PRIMITIVE_AEAD] = 1000;
    assert_int_equal(sealed_on_the_device(keys, 999), 0);
    assert_int_not_equal(sealed_on_the_device(keys, 1000), 0);
    ctx->crossover[PARSEAL_PRIMITIVE_AEAD] = UINT64_MAX;
    assert_int_equal(sealed_on_the_device(keys, 4096), 0);
    parseal_keys_destroy(keys);
    memset(ctx->crossover, 0, sizeof ctx->crossover);
    machine_check(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_kernel_that_is_wrong, machine_reset),
        cmocka_unit_test_setup(the_next_way_to_hash, machine_reset),
        cmocka_unit_test_setup(the_cpu_instead, machine_reset),
        cmocka_unit_test_setup(without_pinned_memory, machine_reset),
        cmocka_unit_test_setup(small_batches_stay_on_the_cpu, machine_reset),
    };
    if (!machine_find()) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    return RUN_SUITE("failing CUDA devices", tests);
}
