/* What has computed its known answers is not asked again in this process; what has not, or could
 * not be asked for lack of memory, is. Linked with --wrap, it stands in for the self-test. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host/choose/registry.h"
#include "host/choose/selftest/primitives.h"
#include "run.h"

static struct {
    size_t asked;
    int32_t primitive; /* the next self-test of it gives `status` instead; -1: of none */
    parseal_status status;
} tests;

parseal_status __real_parseal_selftest(const parseal_backend *backend, parseal_device *device,
                                       int32_t primitive, char *detail, size_t size);
parseal_status __wrap_parseal_selftest(const parseal_backend *backend, parseal_device *device,
                                       int32_t primitive, char *detail, size_t size);

parseal_status __wrap_parseal_selftest(const parseal_backend *backend, parseal_device *device,
                                       int32_t primitive, char *detail, size_t size)
{
    tests.asked++;
    if (primitive != tests.primitive)
        return __real_parseal_selftest(backend, device, primitive, detail, size);
    tests.primitive = -1;
    detail[0] = '\0';
    return tests.status;
}

/* Creates a context on the CPU and stores how many self-tests that took. */
static parseal_status create(size_t *asked, char impl[PARSEAL_PRIMITIVES][32])
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1;
    tests.asked = 0;
    const parseal_status status = parseal_ctx_create(&ctx, &options);
    *asked = tests.asked;
    for (int32_t p = 0; status == PARSEAL_OK && p < PARSEAL_PRIMITIVES; p++) {
        parseal_primitive_info info = PARSEAL_PRIMITIVE_INFO_INIT;
        assert_ok(parseal_ctx_primitive(ctx, p, &info));
        memcpy(impl[p], info.impl, sizeof info.impl);
    }
    parseal_ctx_destroy(ctx);
    return status;
}

static char usual[PARSEAL_PRIMITIVES][32];

/* f() must return true in a process that has had no context. */
static void in_child(bool (*f)(void))
{
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(f() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The three before quantisation are right and not asked again; it is asked once more. */
static bool memory_was_short(void)
{
    char impl[PARSEAL_PRIMITIVES][32];
    size_t asked;
    tests.primitive = PARSEAL_PRIMITIVE_QUANT;
    tests.status = PARSEAL_ERR_NO_MEMORY;
    return create(&asked, impl) == PARSEAL_ERR_NO_MEMORY && asked == PARSEAL_PRIMITIVE_QUANT + 1 &&
           create(&asked, impl) == PARSEAL_OK &&
           asked == PARSEAL_PRIMITIVES - PARSEAL_PRIMITIVE_QUANT &&
           create(&asked, impl) == PARSEAL_OK && asked == 0;
}

/* The best is wrong for once: another one is picked, where there is one, but the next context asks
 * the best again. */
static bool one_was_wrong(void)
{
    char with_other[PARSEAL_PRIMITIVES][32] = {""}, impl[PARSEAL_PRIMITIVES][32];
    size_t asked;
    tests.primitive = PARSEAL_PRIMITIVE_AEAD;
    tests.status = PARSEAL_ERR_SELFTEST;
    const parseal_status status = create(&asked, with_other);
    const bool alone = status == PARSEAL_ERR_SELFTEST;
    return (status == PARSEAL_OK || alone) && create(&asked, impl) == PARSEAL_OK &&
           asked == (alone ? PARSEAL_PRIMITIVES : 1) &&
           strcmp(impl[PARSEAL_PRIMITIVE_AEAD], with_other[PARSEAL_PRIMITIVE_AEAD]) != 0 &&
           create(&asked, impl) == PARSEAL_OK && asked == 0;
}

/* A child knows what its parent knew. */
static bool all_is_known(void)
{
    char impl[PARSEAL_PRIMITIVES][32];
    size_t asked;
    return create(&asked, impl) == PARSEAL_OK && asked == 0 &&
           memcmp(impl, usual, sizeof usual) == 0;
}

static void first_contexts(void **state)
{
    size_t asked;
    (void)state;
    in_child(memory_was_short);
    in_child(one_was_wrong);
    assert_ok(create(&asked, usual));
    assert_int_equal(asked, PARSEAL_PRIMITIVES);
    assert_true(all_is_known());
    in_child(all_is_known);
}

/* Another implementation, which has not been asked. */
static void other_implementations(void **state)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    (void)state;
    size_t others = 0;
    for (int32_t p = 0; p < PARSEAL_PRIMITIVES; p++)
        others += strcmp(usual[p], "portable") != 0;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_impl = "portable";
    for (int again = 0; again < 2; again++) {
        tests.asked = 0;
        assert_ok(parseal_ctx_create(&ctx, &options));
        assert_int_equal(tests.asked, again == 0 ? others : 0);
        parseal_ctx_destroy(ctx);
    }
}

/* Whoever asks for the test gets it. */
static void tests_that_are_asked_for(void **state)
{
    (void)state;
    const size_t last = parseal_impl_count() - 1;
    for (int again = 0; again < 2; again++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        tests.asked = 0;
        assert_ok(parseal_impl_test(last, &impl));
        assert_int_equal(impl.state, PARSEAL_IMPL_PASSED);
        assert_int_equal(tests.asked, 1);
    }
}

int main(void)
{
    static const struct CMUnitTest list[] = {
        cmocka_unit_test(first_contexts),
        cmocka_unit_test(other_implementations),
        cmocka_unit_test(tests_that_are_asked_for),
    };
    tests.primitive = -1;
    return RUN_SUITE("remembered", list);
}
