/* Without options.device_memory a call on host memory takes a quarter of the device's memory that
 * is free when it is made, whatever others have taken since the context was. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "host/cuda/cu_api.h"
#include "run.h"

enum { COUNT = 1 << 20, MIB = 1 << 20, LEFT = 10 * MIB };

static cu_api api;
static parseal_ctx *ctx;

static size_t left(void)
{
    size_t bytes, all;
    assert_int_equal(api.MemGetInfo(&bytes, &all), CU_OK);
    return bytes;
}

static size_t memory(void)
{
    size_t bytes, all;
    assert_int_equal(api.MemGetInfo(&bytes, &all), CU_OK);
    return all;
}

/* Of the device's memory others leave so much. */
static void leave(size_t bytes)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", bytes);
    assert_int_equal(setenv("PARSEAL_TEST_MEMORY", text, 1), 0);
}

/* Returns how much of the device's memory the call keeps for the next one, which is what it
 * used. */
static size_t held_after_a_sum(size_t before)
{
    static uint32_t acc[COUNT], v[COUNT];
    const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    for (size_t i = 0; i < COUNT; i++) {
        acc[i] = (uint32_t)i;
        v[i] = 3 * (uint32_t)i;
    }
    const parseal_vec sum = parseal_host_vec(acc, COUNT, 4), addend = parseal_host_vec(v, COUNT, 4);
    assert_ok(parseal_vec_sum(ctx, &ring, &sum, &addend, 1, NULL));
    for (size_t i = 0; i < COUNT; i++)
        if (acc[i] != 4 * (uint32_t)i)
            fail_msg("element %zu is %u", i, acc[i]);
    return before - left();
}

static void a_quarter_of_what_is_free(void **state)
{
    (void)state;
    const size_t all = left(), own = memory() - all;
    leave(own + LEFT);
    assert_int_equal(left(), LEFT);
    const size_t held = held_after_a_sum(LEFT);
    assert_in_range(held, 1, LEFT / 4);

    /* What is held counts as free. */
    assert_int_equal(held_after_a_sum(LEFT), held);
    leave(own + all);
    assert_in_range(held_after_a_sum(all), 2 * held, all / 4);

    /* As in the beginning there is no room for more, but what is held will do. */
    leave(own + LEFT);
    (void)held_after_a_sum(LEFT);
}

static int open_ctx(void **state)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    (void)state;
    options.backend = PARSEAL_BACKEND_CUDA;
    assert_ok(parseal_ctx_create(&ctx, &options));
    return 0;
}

static int close_ctx(void **state)
{
    (void)state;
    parseal_ctx_destroy(ctx);
    return 0;
}

/* As who uses the device beside the library: its primary context is current all the time. */
int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_quarter_of_what_is_free, open_ctx, close_ctx)};
    cu_device device;
    cu_context context;
    if (cu_api_load(&api) != PARSEAL_OK || api.Init(0) != CU_OK ||
        api.DeviceGet(&device, 0) != CU_OK ||
        api.DevicePrimaryCtxRetain(&context, device) != CU_OK ||
        api.CtxPushCurrent(context) != CU_OK)
        return run_skip("no CUDA device");
    const int failed = cmocka_run_group_tests_name("free memory", tests, NULL, NULL);
    (void)api.CtxPopCurrent(&context);
    (void)api.DevicePrimaryCtxRelease(device);
    return failed;
}
