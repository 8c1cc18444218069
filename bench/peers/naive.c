/* A sum as one writes it first: vector by vector, with a comparison and a subtraction. Unlike
 * parseal it relies on inputs that are below the modulus. */
#include "bench/cpu/contender.h"
#include "bench/cpu/parallel.h"

/* With modulus 0 the type's own wrap-around is the reduction. */
#define DEFINE_ADD(name, type)                                           \
    static void name(type *acc, const type *v, size_t n, type modulus)   \
    {                                                                    \
        if (modulus == 0) {                                              \
            for (size_t i = 0; i < n; i++)                               \
                acc[i] += v[i];                                          \
            return;                                                      \
        }                                                                \
        for (size_t i = 0; i < n; i++) {                                 \
            type sum = acc[i] + v[i];                                    \
            acc[i] = sum < v[i] || sum >= modulus ? sum - modulus : sum; \
        }                                                                \
    }

DEFINE_ADD(add32, uint32_t)
DEFINE_ADD(add64, uint64_t)

static bool sum_slice(void *arg, unsigned thread, size_t first, size_t end)
{
    struct work *w = arg;
    const struct sum_data *d = &w->data.sum;
    uint64_t modulus = w->op->ring.modulus;
    (void)thread;
    for (size_t j = 0; j < w->n; j++) {
        const void *input = d->inputs + j * w->size;
        if (w->op->ring.element_size == 4)
            add32((uint32_t *)(void *)d->acc + first, (const uint32_t *)input + first, end - first,
                  (uint32_t)modulus);
        else
            add64((uint64_t *)(void *)d->acc + first, (const uint64_t *)input + first, end - first,
                  modulus);
    }
    return true;
}

static bool can(const struct contender *who, const struct work *w)
{
    (void)who;
    return work_is_native_sum(w);
}

static void *start(const struct contender *who, struct work *w)
{
    (void)who;
    return w;
}

static bool run(void *session)
{
    struct work *w = session;
    return parallel_slices(w->threads, w->size / w->op->ring.element_size, sum_slice, w);
}

static void stop(void *session)
{
    (void)session;
}

const struct contender contender_naive = {
    .name = "naive", .can = can, .start = start, .run = run, .stop = stop};
