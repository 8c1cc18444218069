/* Contexts: options, environment, selection, and what is said about it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { IMPLS = 32 };

static void set_environment(const char *backend, const char *cpu)
{
    if (backend != NULL)
        setenv("PARSEAL_BACKEND", backend, 1);
    else
        unsetenv("PARSEAL_BACKEND");
    if (cpu != NULL)
        setenv("PARSEAL_CPU", cpu, 1);
    else
        unsetenv("PARSEAL_CPU");
}

static int environment_clear(void **state)
{
    (void)state;
    set_environment(NULL, NULL);
    return 0;
}

static void refuse(const parseal_options *options, parseal_status want, const char *names)
{
    parseal_ctx *const before = nowhere();
    parseal_ctx *ctx = before;
    assert_error(parseal_ctx_create(&ctx, options), want, names);
    assert_ptr_equal(ctx, before);
}

/* What a context made with these options has picked. */
static parseal_info picked(const parseal_options *options)
{
    parseal_info info = PARSEAL_INFO_INIT;
    parseal_ctx *ctx = NULL;
    assert_ok(parseal_ctx_create(&ctx, options));
    assert_ok(parseal_ctx_info(ctx, &info));
    parseal_ctx_destroy(ctx);
    return info;
}

/* The implementation of one primitive in such a context. */
static parseal_primitive_info picked_for(const parseal_options *options, int32_t primitive)
{
    parseal_primitive_info info = PARSEAL_PRIMITIVE_INFO_INIT;
    parseal_ctx *ctx = NULL;
    assert_ok(parseal_ctx_create(&ctx, options));
    assert_ok(parseal_ctx_primitive(ctx, primitive, &info));
    parseal_ctx_destroy(ctx);
    return info;
}

static parseal_options with_backend(int32_t backend)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    return options;
}

static parseal_options with_impl(const char *name)
{
    parseal_options options = with_backend(PARSEAL_BACKEND_CPU);
    options.cpu_impl = name;
    return options;
}

static void bad_options(void **state)
{
    (void)state;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    assert_error(parseal_ctx_create(NULL, &options), PARSEAL_ERR_ARG, "ctx");
    static const int32_t unknown[] = {-1, 4, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        options.backend = unknown[i];
        refuse(&options, PARSEAL_ERR_ARG, "backend");
    }
    options = with_impl("no such implementation");
    refuse(&options, PARSEAL_ERR_ARG, "cpu_impl");
    options = with_impl("");
    refuse(&options, PARSEAL_ERR_ARG, "cpu_impl");
    options = with_impl("PORTABLE");
    refuse(&options, PARSEAL_ERR_ARG, "cpu_impl");
}

static void options_struct_size(void **state)
{
    (void)state;
    struct {
        parseal_options options;
        uint8_t tail[24];
    } later = {PARSEAL_OPTIONS_INIT, {0}};
    later.options.struct_size = sizeof(parseal_options) - 1;
    refuse(&later.options, PARSEAL_ERR_ARG, "struct_size");
    later.options.struct_size = 0;
    refuse(&later.options, PARSEAL_ERR_ARG, "struct_size");
    later.options.struct_size = sizeof later;
    assert_int_equal(picked(&later.options).struct_size, sizeof(parseal_info));
    later.tail[23] = 1;
    refuse(&later.options, PARSEAL_ERR_ARG, "struct_size");
}

/* Is there a device of this backend here, in this build? */
static bool backend_works(int32_t backend)
{
    for (size_t i = 0; i < parseal_impl_count(); i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_ok(parseal_impl_test(i, &impl));
        if (impl.backend == backend && impl.state == PARSEAL_IMPL_PASSED)
            return true;
    }
    return false;
}

/* What is asked for by name is there, or the answer is NO_DEVICE: never another one. */
static void backends_by_name(void **state)
{
    (void)state;
    for (int32_t id = PARSEAL_BACKEND_CPU; strcmp(parseal_backend_name(id), "unknown") != 0; id++) {
        const char *name = parseal_backend_name(id);
        const parseal_options by_option = with_backend(id);
        const parseal_options automatic = PARSEAL_OPTIONS_INIT;
        bool here = backend_works(id);
        set_environment(NULL, NULL);
        if (here)
            assert_int_equal(picked(&by_option).backend, id);
        else
            refuse(&by_option, PARSEAL_ERR_NO_DEVICE, name);
        set_environment(name, NULL);
        if (here)
            assert_int_equal(picked(&automatic).backend, id);
        else
            refuse(&automatic, PARSEAL_ERR_NO_DEVICE, name);
    }
    assert_true(backend_works(PARSEAL_BACKEND_CPU));
}

static void environment_narrows_the_backend(void **state)
{
    (void)state;
    parseal_options options = with_backend(PARSEAL_BACKEND_CPU);
    static const char *const unknown[] = {"gpu", "CPU", "AUTO", "auto ", "cpu ", "cpu,cuda"};
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        set_environment(unknown[i], NULL);
        refuse(NULL, PARSEAL_ERR_ARG, "PARSEAL_BACKEND");
        refuse(&options, PARSEAL_ERR_ARG, "PARSEAL_BACKEND");
    }
    static const char *const no_wish[] = {"auto", ""};
    for (size_t i = 0; i < COUNT_OF(no_wish); i++) {
        set_environment(NULL, NULL);
        const int32_t first = picked(NULL).backend;
        set_environment(no_wish[i], NULL);
        assert_int_equal(picked(NULL).backend, first);
        assert_int_equal(picked(&options).backend, PARSEAL_BACKEND_CPU);
    }
    set_environment("cuda", NULL); /* rules out what the option names */
    refuse(&options, PARSEAL_ERR_NO_DEVICE, "PARSEAL_BACKEND");
    set_environment("opencl", NULL);
    refuse(&options, PARSEAL_ERR_NO_DEVICE, "PARSEAL_BACKEND");
    options = with_backend(PARSEAL_BACKEND_CUDA);
    set_environment("cpu", NULL);
    refuse(&options, PARSEAL_ERR_NO_DEVICE, "PARSEAL_BACKEND");
    assert_int_equal(picked(NULL).backend, PARSEAL_BACKEND_CPU);
}

static void unknown_cpu_in_environment(void **state)
{
    (void)state;
    const parseal_options options = with_backend(PARSEAL_BACKEND_CPU);
    set_environment(NULL, "sse9");
    refuse(&options, PARSEAL_ERR_ARG, "PARSEAL_CPU");
    set_environment("cpu", "sse9");
    refuse(NULL, PARSEAL_ERR_ARG, "PARSEAL_CPU");
}

/* Each implementation can be forced, by option and by environment, and of two limits the lower
 * counts. */
static void implementations_by_name(void **state)
{
    (void)state;
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        impl_name names[IMPLS];
        size_t n = impl_names(OF(p), names, IMPLS);
        assert_true(n > 0);
        assert_string_equal(names[n - 1].text, "portable");
        for (size_t i = 0; i < n; i++) {
            parseal_options options = with_impl(names[i].text);
            set_environment(NULL, NULL);
            assert_string_equal(picked_for(&options, p).impl, names[i].text);
            for (size_t k = 0; k < n; k++) {
                set_environment("cpu", names[k].text);
                options = with_impl(NULL);
                assert_string_equal(picked_for(&options, p).impl, names[k].text);
                options = with_impl(names[i].text);
                assert_string_equal(picked_for(&options, p).impl, names[i > k ? i : k].text);
            }
        }
        set_environment(NULL, NULL);
        const parseal_options free_choice = with_backend(PARSEAL_BACKEND_CPU);
        assert_string_equal(picked_for(&free_choice, p).impl, names[0].text);
    }
}

/* An implementation that is built but cannot run here is refused by name. */
static void absent_implementations(void **state)
{
    (void)state;
    for (size_t i = 0; i < parseal_impl_count(); i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_ok(parseal_impl_test(i, &impl));
        if (impl.backend != PARSEAL_BACKEND_CPU || impl.state != PARSEAL_IMPL_ABSENT)
            continue;
        const parseal_options options = with_impl(impl.name);
        refuse(&options, PARSEAL_ERR_NO_DEVICE, impl.name);
        assert_true(impl.detail[0] != '\0');
    }
}

static void threads(void **state)
{
    (void)state;
    parseal_options options = with_backend(PARSEAL_BACKEND_CPU);
    uint32_t most = picked(&options).cpu_threads;
    assert_true(most >= 1);
    for (uint32_t wish = 1; wish <= 9; wish++) {
        options.cpu_threads = wish;
        assert_int_equal(picked(&options).cpu_threads, wish < most ? wish : most);
    }
    options.cpu_threads = UINT32_MAX;
    assert_int_equal(picked(&options).cpu_threads, most);
}

static bool terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static void info(void **state)
{
    (void)state;
    const parseal_options cpu = with_backend(PARSEAL_BACKEND_CPU);
    struct {
        parseal_info info;
        uint8_t tail[32];
    } later = {PARSEAL_INFO_INIT, {0}};
    parseal_info small;
    parseal_ctx *ctx = NULL;
    assert_ok(parseal_ctx_create(&ctx, &cpu));
    memset(&later.tail, UNTOUCHED, sizeof later.tail);
    later.info.struct_size = sizeof later;
    assert_ok(parseal_ctx_info(ctx, &later.info));
    assert_int_equal(later.info.struct_size, sizeof later);
    assert_filled(later.tail, sizeof later.tail, UNTOUCHED);
    assert_int_equal(later.info.backend, PARSEAL_BACKEND_CPU);
    assert_true(later.info.device[0] != '\0' && later.info.reason[0] != '\0');
    assert_true(terminated(later.info.device, sizeof later.info.device));
    assert_true(terminated(later.info.reason, sizeof later.info.reason));

    memset(&small, UNTOUCHED, sizeof small);
    small.struct_size = sizeof small - 1;
    assert_error(parseal_ctx_info(ctx, &small), PARSEAL_ERR_ARG, "struct_size");
    assert_filled((uint8_t *)&small + sizeof(size_t), sizeof small - sizeof(size_t), UNTOUCHED);
    assert_error(parseal_ctx_info(ctx, NULL), PARSEAL_ERR_ARG, "info");
    assert_error(parseal_ctx_info(NULL, &later.info), PARSEAL_ERR_ARG, "ctx");
    parseal_ctx_destroy(ctx);
}

static void primitive_info(void **state)
{
    (void)state;
    const parseal_options cpu = with_backend(PARSEAL_BACKEND_CPU);
    const int32_t unknown[] = {-1, parseal_primitive_count(), INT32_MIN, INT32_MAX};
    struct {
        parseal_primitive_info info;
        uint8_t tail[32];
    } later = {PARSEAL_PRIMITIVE_INFO_INIT, {0}};
    parseal_primitive_info *info = &later.info;
    parseal_ctx *ctx = NULL;
    assert_ok(parseal_ctx_create(&ctx, &cpu));
    memset(&later.tail, UNTOUCHED, sizeof later.tail);
    info->struct_size = sizeof later;
    assert_ok(parseal_ctx_primitive(ctx, PARSEAL_PRIMITIVE_PACK, info));
    assert_int_equal(info->struct_size, sizeof later);
    assert_filled(later.tail, sizeof later.tail, UNTOUCHED);
    assert_true(info->impl[0] != '\0' && terminated(info->impl, sizeof info->impl));
    assert_int_equal(info->crossover, 0); /* no GPU stands beside */

    memset(info, UNTOUCHED, sizeof *info);
    info->struct_size = sizeof *info;
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_error(parseal_ctx_primitive(ctx, unknown[i], info), PARSEAL_ERR_ARG, "primitive");
    info->struct_size = sizeof *info - 1;
    assert_error(parseal_ctx_primitive(ctx, 0, info), PARSEAL_ERR_ARG, "struct_size");
    assert_filled((uint8_t *)info + sizeof(size_t), sizeof *info - sizeof(size_t), UNTOUCHED);
    assert_error(parseal_ctx_primitive(ctx, 0, NULL), PARSEAL_ERR_ARG, "info");
    assert_error(parseal_ctx_primitive(NULL, 0, info), PARSEAL_ERR_ARG, "ctx");
    parseal_ctx_destroy(ctx);
}

static void every_implementation(void **state)
{
    (void)state;
    bool cpu_offers[32] = {false};
    size_t n = parseal_impl_count();
    set_environment("cuda", "portable");
    assert_int_equal(parseal_impl_count(), n); /* environment variables do not narrow it */
    for (size_t i = 0; i < n; i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_ok(parseal_impl_test(i, &impl));
        assert_true(impl.backend >= PARSEAL_BACKEND_CPU);
        assert_string_not_equal(parseal_backend_name(impl.backend), "unknown");
        assert_true(impl.primitive >= -1 && impl.primitive < parseal_primitive_count());
        assert_true(impl.state == PARSEAL_IMPL_NOT_BUILT || impl.state == PARSEAL_IMPL_ABSENT ||
                    impl.state == PARSEAL_IMPL_PASSED); /* none may fail */
        assert_true(terminated(impl.name, sizeof impl.name) && impl.name[0] != '\0');
        assert_true(terminated(impl.device, sizeof impl.device));
        assert_true(terminated(impl.detail, sizeof impl.detail));
        if (impl.state == PARSEAL_IMPL_PASSED && impl.backend == PARSEAL_BACKEND_CPU)
            cpu_offers[impl.primitive] = true;
        if (impl.state == PARSEAL_IMPL_NOT_BUILT)
            assert_true(impl.detail[0] != '\0');
    }
    for (int32_t p = 0; p < parseal_primitive_count(); p++)
        assert_true(cpu_offers[p]);
}

static void impl_test_arguments(void **state)
{
    (void)state;
    parseal_impl impl;
    memset(&impl, UNTOUCHED, sizeof impl);
    impl.struct_size = sizeof impl;
    assert_error(parseal_impl_test(parseal_impl_count(), &impl), PARSEAL_ERR_SIZE, "index");
    assert_error(parseal_impl_test(SIZE_MAX, &impl), PARSEAL_ERR_SIZE, "index");
    assert_error(parseal_impl_test(0, NULL), PARSEAL_ERR_ARG, "impl");
    impl.struct_size = sizeof impl - 1;
    assert_error(parseal_impl_test(0, &impl), PARSEAL_ERR_ARG, "struct_size");
    assert_filled((uint8_t *)&impl + sizeof(size_t), sizeof impl - sizeof(size_t), UNTOUCHED);
}

/* A successful call leaves the text of an older failure, whatever it tried on the way. */
static void success_leaves_the_error_text(void **state)
{
    (void)state;
    char before[512];
    parseal_impl impl = PARSEAL_IMPL_INIT;
    error_text_spoil();
    strncpy(before, parseal_last_error_text(), sizeof before - 1);
    before[sizeof before - 1] = '\0';
    (void)picked(NULL);
    assert_string_equal(parseal_last_error_text(), before);
    for (size_t i = 0; i < parseal_impl_count(); i++)
        assert_ok(parseal_impl_test(i, &impl));
    assert_string_equal(parseal_last_error_text(), before);
}

#define CLEAN(test) cmocka_unit_test_teardown(test, environment_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLEAN(bad_options),
        CLEAN(options_struct_size),
        CLEAN(backends_by_name),
        CLEAN(environment_narrows_the_backend),
        CLEAN(unknown_cpu_in_environment),
        CLEAN(implementations_by_name),
        CLEAN(absent_implementations),
        CLEAN(threads),
        CLEAN(info),
        CLEAN(primitive_info),
        CLEAN(every_implementation),
        CLEAN(impl_test_arguments),
        CLEAN(success_leaves_the_error_text),
    };
    return RUN_SUITE("context", tests);
}
