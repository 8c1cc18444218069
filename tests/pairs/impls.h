/* One primitive's implementations side by side, on the public API: those of the backend that is
 * tested, and the CPU's portable one. */
#ifndef PARSEAL_TESTS_IMPLS_H
#define PARSEAL_TESTS_IMPLS_H

#include "guard.h"
#include "run.h"

/* There are two ways to ask for an implementation: options.cpu_impl and PARSEAL_CPU. */
typedef enum { BY_OPTION, BY_ENVIRONMENT, FORCE_WAYS } force_way;

enum { IMPLS_MAX = 16 };

typedef struct {
    size_t n;
    impl_name name[IMPLS_MAX]; /* portable first, the best last */
    parseal_ctx *ctx[IMPLS_MAX];
    guard_buf small, large;
    uint8_t *want;
    unsigned calls;
} impl_set;

/* Opens a context for every implementation of the primitive that works here, and asserts that it is
 * the one picked. impls_agree may be asked for up to out_max bytes. */
void impls_open(impl_set *set, int32_t primitive, force_way way, uint32_t threads, size_t out_max);
void impls_close(impl_set *set);

/* Makes one call on implementation `impl`, whose output goes to `out`. */
typedef void (*impl_call)(void *arg, size_t impl, void *out);

/* Makes the call on every implementation. The output of `size` bytes holds `start` before (NULL:
 * UNTOUCHED) and lies `gap` bytes away from a page that may not be touched. All must leave there
 * what portable leaves. */
void impls_agree(impl_set *set, impl_call call, void *arg, const void *start, size_t size,
                 size_t gap);

/* Returns which cases to take, every n-th: builds that run slowly (sanitizers, qemu), and emulated
 * devices, repeat less. */
size_t repeat_step(size_t in_slow_builds);

#endif
