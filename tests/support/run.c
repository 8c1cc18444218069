#include "run.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

enum { IMPLS_MAX = 64 };

/* PARSEAL_TEST_BACKEND names the backend; it is the CPU where that is not set. */
static int32_t backend = PARSEAL_BACKEND_CPU;

/* NULL lets the library choose. This is set between groups of tests only, never while one runs. */
static const char *forced_impl;

/* These of the backend's implementations pass their known answers, in the library's order. */
static struct {
    int32_t primitive;
    impl_name name;
} impls[IMPLS_MAX];
static size_t n_impls;

uint64_t run_seed(void)
{
    const char *text = getenv("PARSEAL_TEST_SEED");
    return text != NULL ? strtoull(text, NULL, 0) : UINT64_C(20240229);
}

int run_skip(const char *why)
{
    printf("skipped: %s\n", why);
    return RUN_SKIPPED;
}

/* Returns false where an implementation is here and wrong: it must not go untested just because the
 * library avoids it. */
static bool list_impls(const char *name)
{
    n_impls = 0;
    for (size_t i = 0; i < parseal_impl_count() && n_impls < IMPLS_MAX; i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        if (parseal_impl_test(i, &impl) != PARSEAL_OK || impl.state == PARSEAL_IMPL_FAILED) {
            fprintf(stderr, "%s: implementation %zu, %s of %s, is wrong: %s\n", name, i, impl.name,
                    parseal_primitive_name(impl.primitive), impl.detail);
            return false;
        }
        if (impl.backend != backend || impl.state != PARSEAL_IMPL_PASSED)
            continue;
        impls[n_impls].primitive = impl.primitive;
        memcpy(impls[n_impls++].name.text, impl.name, sizeof impl.name);
    }
    return true;
}

static bool choose_backend(const char *name)
{
    const char *wish = getenv("PARSEAL_TEST_BACKEND");
    if (wish == NULL)
        return true;
    for (backend = PARSEAL_BACKEND_CPU; backend <= PARSEAL_BACKEND_CUDA; backend++)
        if (strcmp(wish, parseal_backend_name(backend)) == 0)
            return true;
    fprintf(stderr, "%s: PARSEAL_TEST_BACKEND=%s is no backend\n", name, wish);
    return false;
}

int32_t run_backend(void)
{
    return backend;
}

bool run_emulated(void)
{
    const char *text = getenv("PARSEAL_TEST_EMULATED");
    return text != NULL && text[0] != '\0';
}

bool run_slow(void)
{
    return PARSEAL_TESTS_SLOW_BUILD || run_emulated();
}

size_t run_share(size_t n, size_t part)
{
    return run_slow() ? (n + part - 1) / part : n;
}

bool run_length(size_t n)
{
    enum { BLOCK = 16 };
    return !run_emulated() || n < 2 * BLOCK || (n + 1) % BLOCK <= 2;
}

/* Returns 0, or what main should return. Where the caller's environment narrows what the library
 * may use, it must not silently narrow what is tested. */
static int prepare(const char *name)
{
    if (sodium_init() < 0) {
        fprintf(stderr, "%s: sodium_init failed\n", name);
        return 1;
    }
    unsetenv("PARSEAL_BACKEND");
    unsetenv("PARSEAL_CPU");
    unsetenv("PARSEAL_CUDA_GHASH");
    if (!choose_backend(name) || !list_impls(name))
        return 1;
    if (n_impls == 0 && backend != PARSEAL_BACKEND_CPU)
        return run_skip("no device of this backend, or the library was built without it");
    printf("%s: PARSEAL_TEST_SEED=%" PRIu64 "%s\n", name, run_seed(),
           run_emulated() ? ", on an emulated device: fewer rounds, smaller sizes" : "");
    fflush(stdout);
    return 0;
}

static int run_group(const char *name, const char *impl, const struct CMUnitTest *tests, size_t n)
{
    char group[96];
    snprintf(group, sizeof group, "%.40s%s%.40s", name, impl != NULL ? " on " : "",
             impl != NULL ? impl : "");
    print_message("[   GROUP  ] %s\n", group);
    forced_impl = impl;
    int failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
    forced_impl = NULL;
    return failed;
}

int run_suite(const char *name, const struct CMUnitTest *tests, size_t n)
{
    const int unprepared = prepare(name);
    if (unprepared != 0)
        return unprepared;
    return run_group(name, NULL, tests, n) == 0 ? 0 : 1;
}

int run_suite_per_impl(const char *name, unsigned primitives, const struct CMUnitTest *tests,
                       size_t n)
{
    const int unprepared = prepare(name);
    if (unprepared != 0)
        return unprepared;
    impl_name names[IMPLS_MAX];
    size_t n_names = impl_names(primitives, names, IMPLS_MAX);
    if (n_names == 0) {
        fprintf(stderr, "%s: no implementation passes its known answers\n", name);
        return 1;
    }
    /* An emulated device is slow: a suite runs on one of its implementations, others on others. */
    const size_t first = run_emulated() ? strlen(name) % n_names : 0;
    const size_t end = run_emulated() ? first + 1 : n_names;
    int failed = 0;
    for (size_t i = first; i < end; i++)
        failed |= run_group(name, names[i].text, tests, n) != 0;
    return failed;
}

size_t past_the_caches(void)
{
    const size_t most = (size_t)40 << 20;
    if (run_emulated())
        return (size_t)1 << 20;
    size_t size = (size_t)32 << 20;
#ifdef _SC_LEVEL3_CACHE_SIZE
    const long level3 = sysconf(_SC_LEVEL3_CACHE_SIZE);
    if (level3 > 0)
        size = (size_t)level3;
#endif
    return (size < most ? size : most) + ((size_t)2 << 20);
}

static bool known(const impl_name *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i].text, name) == 0)
            return true;
    return false;
}

size_t impl_names(unsigned primitives, impl_name *names, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < n_impls && n < max; i++)
        if ((primitives & OF(impls[i].primitive)) != 0 && !known(names, n, impls[i].name.text))
            names[n++] = impls[i].name;
    return n;
}

static bool offers(const char *name, int32_t primitive)
{
    for (size_t i = 0; i < n_impls; i++)
        if (impls[i].primitive == primitive && strcmp(impls[i].name.text, name) == 0)
            return true;
    return false;
}

void assert_impl_picked(const parseal_ctx *ctx, const char *name)
{
    parseal_info info = PARSEAL_INFO_INIT;
    assert_ok(parseal_ctx_info(ctx, &info));
    assert_int_equal(info.backend, backend);
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        parseal_primitive_info picked = PARSEAL_PRIMITIVE_INFO_INIT;
        assert_ok(parseal_ctx_primitive(ctx, p, &picked));
        if (offers(name, p))
            assert_string_equal(picked.impl, name);
    }
}

void run_hash_by(const char *impl)
{
    const bool is_way =
        backend == PARSEAL_BACKEND_CUDA && impl != NULL && offers(impl, PARSEAL_PRIMITIVE_AEAD);
    assert_int_equal(
        is_way ? setenv("PARSEAL_CUDA_GHASH", impl, 1) : unsetenv("PARSEAL_CUDA_GHASH"), 0);
}

parseal_ctx *run_ctx(uint32_t threads)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    options.cpu_threads = threads;
    options.cpu_impl = backend == PARSEAL_BACKEND_CPU ? forced_impl : NULL;
    parseal_ctx *ctx = NULL;
    run_hash_by(forced_impl);
    assert_ok(parseal_ctx_create(&ctx, &options));
    run_hash_by(NULL);
    if (forced_impl != NULL)
        assert_impl_picked(ctx, forced_impl);
    return ctx;
}
