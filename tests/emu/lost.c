/* Faults after which a context is lost for good, as CUDA has it, and children of a process that has
 * used CUDA. Each test is a process of its own, since nothing of this can be undone in one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/backend/objects.h"
#include "host/cuda/cu_api.h"
#include "machines.h"
#include "run.h"
#include "shim.h"

static shim_functions shim;

/* In the child, where no test is running: says what is wrong, and ends it. */
#define ensure(what)                                                          \
    do {                                                                      \
        if (!(what)) {                                                        \
            fprintf(stderr, "line %d: not so: %s; \"%s\"\n", __LINE__, #what, \
                    parseal_last_error_text());                               \
            _exit(1);                                                         \
        }                                                                     \
    } while (0)

#define ensure_text(text) ensure(strstr(parseal_last_error_text(), (text)) != NULL)

static void in_child(void (*work)(int), int arg)
{
    int status = -1;
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(arg);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ------------------------------------------------------------------------------------- calls -- */

enum { COUNT = 1000 };

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};

static parseal_status open_on(parseal_ctx **ctx, int32_t backend, const char *device)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    options.device = device;
    *ctx = NULL;
    return parseal_ctx_create(ctx, &options);
}

static parseal_status sum_on(parseal_ctx *ctx)
{
    static uint32_t acc[COUNT], v[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        acc[i] = i;
        v[i] = 3 * i;
    }
    const parseal_vec sum = parseal_host_vec(acc, COUNT, 4), addend = parseal_host_vec(v, COUNT, 4);
    const parseal_status status = parseal_vec_sum(ctx, &ring, &sum, &addend, 1, NULL);
    for (uint32_t i = 0; i < COUNT && status == PARSEAL_OK; i++)
        ensure(acc[i] == 4 * i);
    return status;
}

static parseal_status seal_with(const parseal_keys *keys)
{
    static uint8_t text[COUNT];
    parseal_msg m = {.in = text, .out = text, .len = COUNT};
    return parseal_seal(keys, &m, 1);
}

static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1};

/* Opens a context on `wanted` that turns out to be one of the backend `taken`, and works there. */
static void ensure_taken(int32_t wanted, const char *device, int32_t taken, const char *why)
{
    parseal_ctx *ctx;
    parseal_info info = PARSEAL_INFO_INIT;
    ensure(open_on(&ctx, wanted, device) == PARSEAL_OK);
    ensure(parseal_ctx_info(ctx, &info) == PARSEAL_OK);
    ensure(info.backend == taken);
    ensure(taken == PARSEAL_BACKEND_CPU || strcmp(info.device, "Emulated GPU 1") == 0);
    ensure(strstr(info.reason, why) != NULL);
    ensure(sum_on(ctx) == PARSEAL_OK);
    parseal_ctx_destroy(ctx);
}

static void ensure_auto_takes_the_cpu(const char *device, const char *why)
{
    ensure_taken(PARSEAL_BACKEND_AUTO, device, PARSEAL_BACKEND_CPU, why);
}

/* ------------------------------------------------------------------------------------ faults -- */

static void fault(int error)
{
    char text[24];
    snprintf(text, sizeof text, "%d:sum32", error);
    machine_set("PARSEAL_EMU_FAULT", text);
}

/* Said by the call that finds out, and from then on at once, without a call of the driver's. */
static void a_kernel_faults(int error)
{
    char number[24];
    parseal_ctx *ctx;
    parseal_keys *keys, *more = NULL;
    snprintf(number, sizeof number, "(%d)", error);
    ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, NULL) == PARSEAL_OK);
    ensure(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL) == PARSEAL_OK);
    ensure(sum_on(ctx) == PARSEAL_OK);
    fault(error);
    ensure(sum_on(ctx) == PARSEAL_ERR_DEVICE);
    ensure_text(number);
    ensure_text("this process must be restarted");
    machine_set("PARSEAL_EMU_FAULT", NULL);

    const uint64_t calls = shim.calls();
    const parseal_vec on_device = {{PARSEAL_BUF_CUDA, 0, 4096, 0, 4 * COUNT}, COUNT};
    ensure(sum_on(ctx) == PARSEAL_ERR_DEVICE);
    ensure_text("this process must be restarted");
    ensure(seal_with(keys) == PARSEAL_ERR_DEVICE);
    ensure_text("this process must be restarted");
    ensure(parseal_keys_create(&more, ctx, PARSEAL_AES256GCM, key, 1, NULL) == PARSEAL_ERR_DEVICE);
    ensure_text("this process must be restarted");
    ensure(parseal_vec_sum(ctx, &ring, &on_device, NULL, 0, NULL) == PARSEAL_ERR_DEVICE);
    ensure_text("this process must be restarted");
    ensure(shim.calls() == calls);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* Asked for, the first device is refused; without a wish the other one is taken in its place. */
static void ensure_the_first_is_passed_over(void)
{
    static const char why[] = "this process must be restarted";
    parseal_ctx *ctx;
    ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, "0") == PARSEAL_ERR_DEVICE);
    ensure_text(why);
    ensure_auto_takes_the_cpu("0", why);
    ensure_taken(PARSEAL_BACKEND_CUDA, NULL, PARSEAL_BACKEND_CUDA, why);
    machine_set("PARSEAL_EMU_DEVICES", "1");
    ensure_auto_takes_the_cpu(NULL, why);
    machine_set("PARSEAL_EMU_DEVICES", NULL);
}

/* Nobody tries the device again, and the other one is as good as before. */
static void a_device_is_lost(int error)
{
    parseal_ctx *ctx, *other;
    ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, NULL) == PARSEAL_OK);
    ensure(open_on(&other, PARSEAL_BACKEND_CUDA, "1") == PARSEAL_OK);
    fault(error);
    ensure(sum_on(ctx) == PARSEAL_ERR_DEVICE);
    parseal_ctx_destroy(ctx);
    machine_set("PARSEAL_EMU_FAULT", NULL);
    ensure_the_first_is_passed_over();
    const uint64_t launches = machine.launches("sum32");
    ensure(sum_on(other) == PARSEAL_OK);
    ensure(machine.launches("sum32") > launches);
    parseal_ctx_destroy(other);
}

static void kernels_that_fault(void **state)
{
    static const int errors[] = {700, 715, 716, 717, 718, 719};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        in_child(a_kernel_faults, errors[i]);
    in_child(a_device_is_lost, errors[0]);
}

/* The CPU beside a device that AUTO has picked goes on with what it can. */
static void auto_goes_on(int arg)
{
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_info info = PARSEAL_INFO_INIT;
    (void)arg;
    ensure(open_on(&ctx, PARSEAL_BACKEND_AUTO, NULL) == PARSEAL_OK);
    ensure(parseal_ctx_info(ctx, &info) == PARSEAL_OK && info.backend == PARSEAL_BACKEND_CUDA);
    memset(ctx->crossover, 0, sizeof ctx->crossover); /* the device takes the smallest call, too */
    ensure(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL) == PARSEAL_OK);
    machine_set("PARSEAL_EMU_FAULT", "719:aead_seal");
    ensure(seal_with(keys) == PARSEAL_OK);
    const uint64_t calls = shim.calls();
    ensure(seal_with(keys) == PARSEAL_OK);
    ensure(shim.calls() == calls);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

static void the_cpu_goes_on(void **state)
{
    (void)state;
    in_child(auto_goes_on, 0);
}

/* ------------------------------------------------------------ others' use of the same driver -- */

static cu_api api;

static void use_cuda(void)
{
    cu_device device;
    cu_context context;
    ensure(cu_api_load(&api) == PARSEAL_OK && api.Init(0) == CU_OK);
    ensure(api.DeviceGet(&device, 0) == CU_OK);
    ensure(api.DevicePrimaryCtxRetain(&context, device) == CU_OK);
    ensure(api.CtxPushCurrent(context) == CU_OK);
}

static void had_failed_before(int arg)
{
    parseal_ctx *ctx;
    cu_stream stream;
    (void)arg;
    use_cuda();
    ensure(api.StreamCreate(&stream, CU_STREAM_NON_BLOCKING) == CU_OK);
    ensure(api.MemsetD32Async(4096, 0, 1, stream) == CU_OK); /* nobody's memory */
    ensure(api.StreamSynchronize(stream) == CU_LAUNCH_FAILED);
    ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, "0") == PARSEAL_ERR_DEVICE);
    ensure_text("had failed before parseal used it");
    ensure_the_first_is_passed_over();
}

static void a_context_that_had_failed(void **state)
{
    (void)state;
    in_child(had_failed_before, 0);
}

static void child_of_a_user(int arg)
{
    parseal_ctx *ctx;
    (void)arg;
    ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, NULL) == PARSEAL_ERR_DEVICE);
    ensure_text("CUDA does not survive fork(): use spawn");
    ensure_auto_takes_the_cpu(NULL, "use spawn");
}

/* Whether parseal was it that used CUDA or somebody else. */
static void user(int by_parseal)
{
    int status = -1;
    parseal_ctx *ctx = NULL;
    if (by_parseal)
        ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, NULL) == PARSEAL_OK);
    else
        use_cuda();
    const pid_t child = fork();
    ensure(child >= 0);
    if (child == 0 && by_parseal) {
        ensure(sum_on(ctx) == PARSEAL_ERR_DEVICE);
        ensure_text("use spawn");
        ensure(open_on(&ctx, PARSEAL_BACKEND_CUDA, NULL) == PARSEAL_ERR_NO_DEVICE);
        ensure_text("use spawn");
        ensure_auto_takes_the_cpu(NULL, "use spawn");
        _exit(0);
    }
    if (child == 0) {
        child_of_a_user(0);
        _exit(0);
    }
    ensure(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void children_of_users(void **state)
{
    (void)state;
    in_child(user, false);
    in_child(user, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(kernels_that_fault, machine_reset),
        cmocka_unit_test_setup(the_cpu_goes_on, machine_reset),
        cmocka_unit_test_setup(a_context_that_had_failed, machine_reset),
        cmocka_unit_test_setup(children_of_users, machine_reset),
    };
    if (!machine_find() || !shim_find("libcuda.so.1", &shim)) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    return cmocka_run_group_tests_name("contexts that are lost", tests, NULL, NULL);
}
