/* Which CUDA device is taken, what it can do, and two of them at once. */
#include <parseal/aggregator.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/cuda/cu_api.h"
#include "machines.h"
#include "run.h"
#include "scratch.h"

static parseal_ctx *ctx_called(const char *wish, const char *name)
{
    parseal_ctx *ctx;
    parseal_info info = PARSEAL_INFO_INIT;
    machine_set("PARSEAL_CUDA_DEVICE", wish);
    assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_CUDA));
    assert_ok(parseal_ctx_info(ctx, &info));
    assert_string_equal(info.device, name);
    machine_set("PARSEAL_CUDA_DEVICE", NULL);
    return ctx;
}

static void by_number_and_by_name(void **state)
{
    (void)state;
    static const char *const wishes[][2] = {{NULL, "Emulated GPU 0"},
                                            {"", "Emulated GPU 0"},
                                            {"0", "Emulated GPU 0"},
                                            {"1", "Emulated GPU 1"},
                                            {"GPU 1", "Emulated GPU 1"},
                                            {"Emulated", "Emulated GPU 0"},
                                            {"Emulated GPU 1", "Emulated GPU 1"}};
    for (size_t i = 0; i < COUNT_OF(wishes); i++)
        parseal_ctx_destroy(ctx_called(wishes[i][0], wishes[i][1]));
}

/* Two devices whose names have digits in them, as most have. */
static const char *const numbered = "NVIDIA A100-1 left;NVIDIA A100-0 right";
static const char left[] = "NVIDIA A100-1 left", right[] = "NVIDIA A100-0 right";

static void a_number_is_an_index(void **state)
{
    (void)state;
    static const char *const wishes[][2] = {
        {"0", left}, {"1", right}, {"100-0", right}, {"A1", left}, {NULL, left}};
    machine_set("PARSEAL_EMU_NAMES", numbered);
    for (size_t i = 0; i < COUNT_OF(wishes); i++)
        parseal_ctx_destroy(ctx_called(wishes[i][0], wishes[i][1]));
}

/* Of a GPU, and of a part of it: 8-4-4-4-12 digits, large or small. */
static void by_uuid(void **state)
{
    (void)state;
    static const struct {
        const char *mig, *wish, *name; /* name NULL: there is none */
    } rows[] = {
        {NULL, "GPU-00a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", "Emulated GPU 0"},
        {NULL, "GPU-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", "Emulated GPU 1"},
        {NULL, "GPU-01A1B2C3-D4E5-F607-1829-3A4B5C6D7E8F", "Emulated GPU 1"},
        {NULL, "MIG-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", NULL},
        {"1", "MIG-f1a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", "Emulated GPU 1"},
        {"1", "GPU-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", "Emulated GPU 1"},
        {"1", "GPU-f1a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", NULL},
        {NULL, "GPU-02a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f", NULL},
        {NULL, "GPU-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8e", NULL},
        {NULL, "GPU-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8", NULL},
        {NULL, "GPU-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f0", NULL},
        {NULL, "GPU-01a1b2c3d4e5f60718293a4b5c6d7e8f", NULL},
        {NULL, "GPU-01a1b2c3-d4e5-f607-1829-3a4b5c6d7e8g", NULL},
        {NULL, "GPU-", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        parseal_ctx *ctx;
        machine_set("PARSEAL_EMU_MIG", rows[i].mig);
        if (rows[i].name != NULL) {
            parseal_ctx_destroy(ctx_called(rows[i].wish, rows[i].name));
            continue;
        }
        machine_set("PARSEAL_CUDA_DEVICE", rows[i].wish);
        assert_error(open_ctx(&ctx, PARSEAL_BACKEND_CUDA), PARSEAL_ERR_NO_DEVICE,
                     "PARSEAL_CUDA_DEVICE: no device is called");
    }
}

/* The text says which argument it was, and how many devices there are. */
static void an_index_too_high(void **state)
{
    (void)state;
    static const struct {
        const char *devices, *option, *variable, *text;
    } rows[] = {
        {"1", NULL, "1", "PARSEAL_CUDA_DEVICE: no device 1: there is 1, counted from 0"},
        {"2", NULL, "8", "PARSEAL_CUDA_DEVICE: no device 8: there are 2, counted from 0"},
        {"4", "4", NULL, "options.device: no device 4: there are 4, counted from 0"},
        {"4", "18446744073709551616", NULL, "options.device: no device 18446744073709551616:"},
        {"2", "0:1", NULL, "options.device: no device 0:1: there are 2, counted from 0"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        parseal_ctx *ctx = NULL;
        parseal_options options = PARSEAL_OPTIONS_INIT;
        options.backend = PARSEAL_BACKEND_CUDA;
        options.device = rows[i].option;
        machine_set("PARSEAL_EMU_DEVICES", rows[i].devices);
        machine_set("PARSEAL_CUDA_DEVICE", rows[i].variable);
        assert_error(parseal_ctx_create(&ctx, &options), PARSEAL_ERR_NO_DEVICE, rows[i].text);
        assert_null(ctx);
    }
}

static void unknown(void **state)
{
    (void)state;
    static const char *const wishes[] = {"2", "-1", "01", "emulated", "Tesla"};
    for (size_t i = 0; i < COUNT_OF(wishes); i++) {
        parseal_ctx *ctx;
        parseal_info info = PARSEAL_INFO_INIT;
        machine_set("PARSEAL_CUDA_DEVICE", wishes[i]);
        assert_error(open_ctx(&ctx, PARSEAL_BACKEND_CUDA), PARSEAL_ERR_NO_DEVICE,
                     "PARSEAL_CUDA_DEVICE");
        assert_non_null(strstr(parseal_last_error_text(), wishes[i]));
        assert_null(ctx);
        assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_AUTO));
        assert_ok(parseal_ctx_info(ctx, &info));
        assert_int_equal(info.backend, PARSEAL_BACKEND_CPU);
        assert_non_null(strstr(info.reason, "PARSEAL_CUDA_DEVICE"));
        parseal_ctx_destroy(ctx);
    }
}

/* The option alone, and beside the variable: a device must be what both say. */
static void by_option(void **state)
{
    (void)state;
    static const struct {
        const char *option, *variable, *name; /* name NULL: none is both */
    } rows[] = {{"1", NULL, "Emulated GPU 1"},
                {"GPU 0", NULL, "Emulated GPU 0"},
                {"1", "GPU 1", "Emulated GPU 1"},
                {"Emulated", "1", "Emulated GPU 1"},
                {"0", "1", NULL},
                {"2", NULL, NULL}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        parseal_ctx *ctx = NULL;
        parseal_info info = PARSEAL_INFO_INIT;
        parseal_options options = PARSEAL_OPTIONS_INIT;
        options.backend = PARSEAL_BACKEND_CUDA;
        options.device = rows[i].option;
        machine_set("PARSEAL_CUDA_DEVICE", rows[i].variable);
        if (rows[i].name == NULL) {
            assert_error(parseal_ctx_create(&ctx, &options), PARSEAL_ERR_NO_DEVICE, "device");
            assert_null(ctx);
            continue;
        }
        assert_ok(parseal_ctx_create(&ctx, &options));
        assert_ok(parseal_ctx_info(ctx, &info));
        assert_string_equal(info.device, rows[i].name);
        parseal_ctx_destroy(ctx);
    }
}

/* --------------------------------------------------------------------------------- passed over --
 */

/* Devices that will not do, and which is taken then. */
typedef struct {
    const char *devices, *capability, *busy, *wrong, *wish;
    const char *name; /* NULL: none */
    const char *said[3];
} machine_row;

static const char too_old[] = "device 0, Emulated GPU 0, is not usable: it has compute capability "
                              "3.7, at least 7.5 is needed",
                  busy[] = "device 1, Emulated GPU 1, is not usable: cuDevicePrimaryCtxRetain: ",
                  wrong[] = "no implementation of vec_sum is right on device ";

static const machine_row machine_rows[] = {
    {"2", "37", NULL, NULL, NULL, "Emulated GPU 1", {too_old}},
    {"2", "37", NULL, NULL, "Emulated", "Emulated GPU 1", {too_old}},
    {"2", "37", NULL, NULL, "0", NULL, {too_old}},
    {"2",
     "90",
     "0",
     NULL,
     NULL,
     "Emulated GPU 1",
     {"device 0", "CUDA_ERROR_DEVICE_UNAVAILABLE (46): in exclusive use"}},
    {"2", "90", "1", NULL, "1", NULL, {busy}},
    {"2", "90", NULL, "0", NULL, "Emulated GPU 1", {wrong, "device 0", "self-test"}},
    {"4", "37", "1", "2", NULL, "Emulated GPU 3", {too_old, busy, wrong}},
    {"3", "37", "1", "2", NULL, NULL, {too_old, busy, wrong}},
    {"2", "37", "1", NULL, NULL, NULL, {too_old, busy}},
};

static void set_machine(const machine_row *row)
{
    machine_set("PARSEAL_EMU_DEVICES", row->devices);
    machine_set("PARSEAL_EMU_CAPABILITY", row->capability);
    machine_set("PARSEAL_EMU_BUSY", row->busy);
    machine_set("PARSEAL_EMU_WRONG", row->wrong != NULL ? "sum32" : NULL);
    machine_set("PARSEAL_EMU_WRONG_DEVICE", row->wrong);
    machine_set("PARSEAL_CUDA_DEVICE", row->wish);
}

static void check_said(const machine_row *row, const char *text)
{
    for (size_t i = 0; i < COUNT_OF(row->said); i++)
        if (row->said[i] != NULL && strstr(text, row->said[i]) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", row->said[i], text);
}

static void check_refused(const machine_row *row)
{
    parseal_ctx *ctx;
    parseal_info info = PARSEAL_INFO_INIT;
    error_text_spoil();
    assert_int_not_equal(open_ctx(&ctx, PARSEAL_BACKEND_CUDA), PARSEAL_OK);
    check_said(row, parseal_last_error_text());
    assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_AUTO));
    assert_ok(parseal_ctx_info(ctx, &info));
    assert_int_equal(info.backend, PARSEAL_BACKEND_CPU);
    check_said(row, info.reason);
    parseal_ctx_destroy(ctx);
}

static void the_first_that_is_usable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(machine_rows); i++) {
        const machine_row *row = &machine_rows[i];
        parseal_ctx *ctx;
        parseal_info info = PARSEAL_INFO_INIT;
        set_machine(row);
        if (row->name == NULL) {
            check_refused(row);
            continue;
        }
        assert_ok(open_ctx(&ctx, PARSEAL_BACKEND_CUDA));
        assert_ok(parseal_ctx_info(ctx, &info));
        assert_string_equal(info.device, row->name);
        check_said(row, info.reason);
        parseal_ctx_destroy(ctx);
    }
}

/* `parseal devices` shows the first that can be opened; CUDA's rows are the list's first, and begin
 * with a way to hash that this device lacks. */
static void the_list_of_implementations(void **state)
{
    (void)state;
    parseal_impl impl = PARSEAL_IMPL_INIT;
    set_machine(&machine_rows[0]);
    assert_ok(parseal_impl_test(0, &impl));
    assert_int_equal(impl.backend, PARSEAL_BACKEND_CUDA);
    assert_int_equal(impl.state, PARSEAL_IMPL_ABSENT);
    assert_string_equal(impl.name, "mma");
    assert_ok(parseal_impl_test(1, &impl));
    assert_int_equal(impl.backend, PARSEAL_BACKEND_CUDA);
    assert_int_equal(impl.state, PARSEAL_IMPL_PASSED);
    assert_string_equal(impl.name, "integer");
    assert_string_equal(impl.device, "Emulated GPU 1");
}

/* ------------------------------------------------------------------------------------ kernels --
 */

/* Whether a kernel runs while a context works. */
typedef struct {
    const char *kernel;
    bool runs;
} expectation;

typedef enum { BY_CLMAD, BY_MMA, BY_INTEGERS } ghash_way;

static void check_kernels(parseal_ctx *ctx, bool wide, ghash_way ghash)
{
    /* Carry-less multiplications hash while a message is sealed. */
    const bool one_pass = ghash == BY_CLMAD;
    const expectation kernels[] = {{"aead_seal", one_pass},
                                   {"aead_crypt_wide", wide && !one_pass},
                                   {"aead_crypt", !wide},
                                   {"keys_rows", ghash == BY_CLMAD},
                                   {"keys_matrices", ghash == BY_MMA},
                                   {"aead_hash_mma", ghash == BY_MMA},
                                   {"aead_hash", ghash == BY_INTEGERS}};
    uint64_t before[COUNT_OF(kernels)];
    for (size_t i = 0; i < COUNT_OF(kernels); i++)
        before[i] = machine.launches(kernels[i].kernel);
    machine_check(ctx);
    for (size_t i = 0; i < COUNT_OF(kernels); i++)
        if ((machine.launches(kernels[i].kernel) > before[i]) != kernels[i].runs)
            fail_msg("%s: %s", kernels[i].kernel, kernels[i].runs ? "does not run" : "runs");
}

/* The second device has too little shared memory for a table in each bank, and neither b1 products
 * nor carry-less multiplications. */
static void each_device_has_its_kernels(void **state)
{
    (void)state;
    check_kernels(ctx_called("0", "Emulated GPU 0"), true, BY_CLMAD);
    check_kernels(ctx_called("1", "Emulated GPU 1"), false, BY_INTEGERS);
}

/* Without carry-less multiplications, as an older nvcc leaves it, or by PTX, whose own capability
 * counts as well as the device's. */
static void tensor_cores_from_8_0_to_9_x(void **state)
{
    (void)state;
    static const struct {
        const char *capability, *ptx;
        bool wide;
        ghash_way ghash;
    } rows[] = {{"75", NULL, false, BY_INTEGERS},
                {"80", NULL, true, BY_MMA},
                {"100", NULL, true, BY_INTEGERS},
                {"87", "75", true, BY_INTEGERS},
                {"87", "80", true, BY_MMA}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        machine_set("PARSEAL_EMU_CAPABILITY", rows[i].capability);
        machine_set("PARSEAL_EMU_PTX", rows[i].ptx);
        machine_set("PARSEAL_EMU_CLMAD", rows[i].ptx == NULL ? "0" : NULL);
        check_kernels(ctx_called(NULL, "Emulated GPU 0"), rows[i].wide, rows[i].ghash);
    }
}

/* --------------------------------------------------------------------------------- measuring --
 */

/* What is measured is remembered for each kind of device, in a folder of this test's own. */
static void the_fastest_way_to_hash(void **state)
{
    (void)state;
    static const struct {
        const char *capability, *slow;
        ghash_way ghash;
    } rows[] = {{"90", NULL, BY_CLMAD},
                {"89", "aead_hash_clmad", BY_MMA},
                {"120", "aead_hash_clmad", BY_INTEGERS},
                {"86", "aead_hash_mma", BY_CLMAD},
                {"90", "aead_hash_clmad", BY_CLMAD} /* it is remembered */};
    char folder[256], before[4096];
    snprintf(before, sizeof before, "%s", getenv("XDG_CACHE_HOME"));
    assert_true(scratch_make(folder, sizeof folder));
    machine_set("XDG_CACHE_HOME", folder);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        machine_set("PARSEAL_EMU_CAPABILITY", rows[i].capability);
        machine_set("PARSEAL_EMU_SLOW", rows[i].slow);
        check_kernels(ctx_called(NULL, "Emulated GPU 0"), true, rows[i].ghash);
    }
    machine_set("XDG_CACHE_HOME", before);
    assert_true(scratch_remove(folder));
}

static void a_way_to_hash_by_name(void **state)
{
    (void)state;
    parseal_ctx *ctx;
    machine_set("PARSEAL_CUDA_GHASH", "mma");
    check_kernels(ctx_called("0", "Emulated GPU 0"), true, BY_MMA);
    machine_set("PARSEAL_CUDA_GHASH", "pclmul");
    assert_error(open_ctx(&ctx, PARSEAL_BACKEND_CUDA), PARSEAL_ERR_ARG, "clmad, mma or integer");
    machine_set("PARSEAL_CUDA_GHASH", "clmad");
    machine_set("PARSEAL_CUDA_DEVICE", "1");
    assert_error(open_ctx(&ctx, PARSEAL_BACKEND_CUDA), PARSEAL_ERR_NO_DEVICE,
                 "PARSEAL_CUDA_GHASH: \"clmad\", but there is no carry-less multiplication");
}

/* An update of zeros under a key of zeros is added to a vector. */
static void add_update(parseal_ctx *ctx, uint64_t dim)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    parseal_keys *keys;
    parseal_aggregator *a;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = (parseal_ring){UINT64_C(1) << 32, 4, 0};
    options.dim = dim;
    uint8_t *in = calloc((size_t)dim, 4);
    assert_non_null(in);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_aggregator_create(&a, ctx, &options));
    parseal_msg m = {.in = in, .out = in, .len = (size_t)(4 * dim)};
    assert_ok(parseal_seal(keys, &m, 1));
    parseal_update u = {.in = in, .len = m.len};
    memcpy(u.tag, m.tag, sizeof u.tag);
    assert_ok(parseal_aggregator_add_sealed(a, keys, &u, 1, NULL));
    parseal_aggregator_destroy(a);
    parseal_keys_destroy(keys);
    free(in);
}

/* Long ones as they are decrypted; for short ones there would be too little to do at once. */
static void updates_are_added_by(const char *number, const char *name, const char *fused)
{
    static const struct {
        uint64_t dim;
        bool is_long;
    } rows[] = {{1000, false}, {100000, true}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        parseal_ctx *ctx = ctx_called(number, name);
        const uint64_t before = machine.launches(fused), summed = machine.launches("sum32");
        add_update(ctx, rows[i].dim);
        assert_int_equal(machine.launches(fused) - before, rows[i].is_long);
        assert_int_equal(machine.launches("sum32") - summed, !rows[i].is_long);
        parseal_ctx_destroy(ctx);
    }
}

static void updates_are_added(void **state)
{
    (void)state;
    updates_are_added_by("0", "Emulated GPU 0", "aead_add32_wide");
    updates_are_added_by("1", "Emulated GPU 1", "aead_add32");
}

/* ----------------------------------------------------------------------------------- together --
 */

typedef struct {
    parseal_ctx *ctx;
    machine_work work;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < 3; i++)
        machine_run(&w->work, w->ctx);
    return NULL;
}

static void both_at_once(void **state)
{
    (void)state;
    static worker workers[3];
    pthread_t threads[COUNT_OF(workers)];
    workers[0].ctx = ctx_called("0", "Emulated GPU 0");
    workers[1].ctx = ctx_called("1", "Emulated GPU 1");
    assert_ok(open_ctx(&workers[2].ctx, PARSEAL_BACKEND_CPU));
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        machine_same(&workers[i].work, &workers[2].work);
        parseal_ctx_destroy(workers[i].ctx);
    }
}

/* Memory of the second device is no buffer for the first. */
static void memory_of_the_other_device(void **state)
{
    (void)state;
    enum { SIZE = 800 };
    static const parseal_ring ring = {0, 8, 0};
    static const uint8_t zeros[SIZE];
    uint8_t got[SIZE];
    cu_api api;
    cu_context context;
    cu_pointer memory;
    cu_stream stream;
    parseal_ctx *first = ctx_called("0", "Emulated GPU 0");
    parseal_ctx *second = ctx_called("1", "Emulated GPU 1");
    assert_ok(cu_api_load(&api));
    assert_int_equal(api.DevicePrimaryCtxRetain(&context, 1), CU_OK);
    assert_int_equal(api.CtxPushCurrent(context), CU_OK);
    assert_int_equal(api.StreamCreate(&stream, CU_STREAM_NON_BLOCKING), CU_OK);
    assert_int_equal(api.MemAlloc(&memory, SIZE), CU_OK);
    assert_int_equal(api.MemsetD32Async(memory, 0, SIZE / 4, stream), CU_OK);
    const parseal_vec acc = {{PARSEAL_BUF_CUDA, 0, memory, 0, SIZE}, SIZE / 8};
    assert_error(parseal_vec_sum(first, &ring, &acc, NULL, 0, NULL), PARSEAL_ERR_ARG, "acc");
    assert_non_null(strstr(parseal_last_error_text(), "of device 1, not of device 0"));
    assert_ok(parseal_vec_sum(second, &ring, &acc, NULL, 0, stream));
    assert_int_equal(api.MemcpyDtoHAsync(got, memory, SIZE, stream), CU_OK);
    assert_int_equal(api.StreamSynchronize(stream), CU_OK);
    assert_bytes(got, zeros, SIZE);
    assert_int_equal(api.MemFree(memory), CU_OK);
    assert_int_equal(api.StreamDestroy(stream), CU_OK);
    assert_int_equal(api.CtxPopCurrent(&context), CU_OK);
    assert_int_equal(api.DevicePrimaryCtxRelease(1), CU_OK);
    cu_api_unload(&api);
    parseal_ctx_destroy(first);
    parseal_ctx_destroy(second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(by_number_and_by_name, machine_reset),
        cmocka_unit_test_setup(a_number_is_an_index, machine_reset),
        cmocka_unit_test_setup(by_uuid, machine_reset),
        cmocka_unit_test_setup(an_index_too_high, machine_reset),
        cmocka_unit_test_setup(unknown, machine_reset),
        cmocka_unit_test_setup(by_option, machine_reset),
        cmocka_unit_test_setup(the_first_that_is_usable, machine_reset),
        cmocka_unit_test_setup(the_list_of_implementations, machine_reset),
        cmocka_unit_test_setup(each_device_has_its_kernels, machine_reset),
        cmocka_unit_test_setup(tensor_cores_from_8_0_to_9_x, machine_reset),
        cmocka_unit_test_setup(the_fastest_way_to_hash, machine_reset),
        cmocka_unit_test_setup(a_way_to_hash_by_name, machine_reset),
        cmocka_unit_test_setup(updates_are_added, machine_reset),
        cmocka_unit_test_setup(both_at_once, machine_reset),
        cmocka_unit_test_setup(memory_of_the_other_device, machine_reset),
    };
    if (!machine_find()) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    return RUN_SUITE("CUDA devices", tests);
}
