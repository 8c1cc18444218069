/* Suites run once, or once for every implementation that this machine can run of the backend that
 * PARSEAL_TEST_BACKEND names (cpu where it is not set). */
#ifndef PARSEAL_TESTS_RUN_H
#define PARSEAL_TESTS_RUN_H

#include "test.h"

/* ctest shows a test that exits with this as skipped. */
#define RUN_SKIPPED 77

/* A set of primitives is OF(PARSEAL_PRIMITIVE_MASK) | ... */
#define OF(primitive) (1u << (primitive))

/* Both return what main should return: 1 when a test failed. run_suite_per_impl runs the tests on
 * each implementation that offers one of the primitives. */
int run_suite(const char *name, const struct CMUnitTest *tests, size_t n);
int run_suite_per_impl(const char *name, unsigned primitives, const struct CMUnitTest *tests,
                       size_t n);

#define RUN_SUITE(name, tests) run_suite(name, tests, COUNT_OF(tests))
#define RUN_SUITE_PER_IMPL(name, primitives, tests) \
    run_suite_per_impl(name, primitives, tests, COUNT_OF(tests))

/* Returns the PARSEAL_BACKEND_* that is tested. */
int32_t run_backend(void);

/* Returns whether the backend's device is emulated (PARSEAL_TEST_EMULATED is set), which is a
 * thousand times slower than a device. A suite then repeats less, and leaves out what is only
 * large, but no length at which a kernel does something else, and no kind of case. */
bool run_emulated(void);

/* Returns whether everything takes many times as long: on an emulated device, and in builds with
 * sanitizers or for an emulated processor. A suite then repeats less, but leaves out no kind of
 * case. */
bool run_slow(void);

/* Returns n, and in slow runs n / part, rounded up. */
size_t run_share(size_t n, size_t part);

/* Returns whether a suite that goes through all lengths should try n bytes. On an emulated device
 * it tries those up to two blocks, and those beside the boundaries of later ones. */
bool run_length(size_t n);

/* Is this a build with ThreadSanitizer? */
#if defined(__SANITIZE_THREAD__)
#define RUN_THREAD_SANITIZER 1
#elif defined(__has_feature)
#define RUN_THREAD_SANITIZER __has_feature(thread_sanitizer)
#else
#define RUN_THREAD_SANITIZER 0
#endif

/* Is this a build with AddressSanitizer? */
#if defined(__SANITIZE_ADDRESS__)
#define RUN_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#define RUN_ADDRESS_SANITIZER __has_feature(address_sanitizer)
#else
#define RUN_ADDRESS_SANITIZER 0
#endif

/* Does this build make frames larger than those of the code that is shipped? */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define RUN_LARGER_FRAMES 1
#elif defined(__has_feature)
#define RUN_LARGER_FRAMES                                                   \
    (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
     __has_feature(memory_sanitizer))
#else
#define RUN_LARGER_FRAMES 0
#endif

/* Prints why nothing was tested and returns RUN_SKIPPED. */
int run_skip(const char *why);

/* Returns PARSEAL_TEST_SEED, or a constant. A suite prints it when it starts. */
uint64_t run_seed(void);

/* Returns a size above that of the machine's caches, within reason. Emulated devices have none. */
size_t past_the_caches(void);

/* impl_names, for use in a running suite, gives the names of the backend's implementations of any
 * of the primitives whose known answers are right on this machine, and returns how many. Each is
 * there once, in the library's order, which is best first for a single primitive. */
typedef struct {
    char text[32];
} impl_name;

size_t impl_names(unsigned primitives, impl_name *names, size_t max);

/* Makes contexts on CUDA that are created from here on use this implementation of AES-GCM, where it
 * is one; NULL: the one that they choose. */
void run_hash_by(const char *impl);

/* Fails the test unless ctx uses `name` for every primitive that `name` offers. */
void assert_impl_picked(const parseal_ctx *ctx, const char *name);

/* Opens a context on the implementation that the suite is being run for (the library's choice in
 * run_suite), and asserts that it is the one picked. `threads` is parseal_options.cpu_threads. */
parseal_ctx *run_ctx(uint32_t threads);

#endif
