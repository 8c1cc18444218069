#include "host/support/threads.h"

#include <stdlib.h>

#include "host/support/cores.h"
#include "host/support/error.h"
#include "host/support/pool.h"

/* NOLINTBEGIN(concurrency-mt-unsafe): nothing in the library changes the environment. */
static parseal_status bound_of_environment(uint32_t *bound)
{
    const char *own = getenv("PARSEAL_THREADS");
    const char *openmp = getenv("OMP_NUM_THREADS");
    if (own != NULL && own[0] != '\0') {
        if (!cores_parse(own, false, bound))
            return parseal_fail(PARSEAL_ERR_ARG,
                                "PARSEAL_THREADS: \"%s\"; a number of threads, 1 or more, expected",
                                own);
    } else if (openmp == NULL || !cores_parse(openmp, true, bound)) {
        *bound = cores_available(); /* OpenMP ignores what it cannot read, too. */
    }
    return PARSEAL_OK;
}
/* NOLINTEND(concurrency-mt-unsafe) */

parseal_status threads_open(uint32_t wish, uint32_t *threads)
{
    uint32_t bound;
    TRY(bound_of_environment(&bound));
    pool_open(bound - 1);
    *threads = wish != 0 && wish < bound ? wish : bound;
    return PARSEAL_OK;
}

void threads_close(void)
{
    pool_close();
}

/* A part of a call's tasks, in a cache line of its own. */
typedef struct {
    _Alignas(64) atomic_size_t next;
    size_t end;
} range;

enum { RANGES_MAX = 32 };

/* One call's tasks. Each thread has a range of them, as long as there are RANGES_MAX, and claims a
 * chunk at a time: first of its own range, then of those of the others. So a thread's tasks lie
 * side by side, and in the next call over the same memory it has those again that are in its
 * cache, or on its node. */
typedef struct {
    pool_loop loop; /* first, so that a pointer to it is one to this */
    void (*task)(void *arg, size_t i);
    void *arg;
    void (*last)(void);
    size_t chunk;
    uint32_t n_ranges;
    atomic_uint_fast32_t joined; /* threads that have taken part */
    range ranges[RANGES_MAX];
} tasks;

/* Does what is left of a range. Returns whether there was anything. */
static bool drain(const tasks *t, range *r)
{
    size_t first = atomic_fetch_add_explicit(&r->next, t->chunk, memory_order_relaxed);
    if (first >= r->end)
        return false;
    do {
        const size_t end = r->end - first < t->chunk ? r->end : first + t->chunk;
        for (size_t i = first; i < end; i++)
            t->task(t->arg, i);
        first = atomic_fetch_add_explicit(&r->next, t->chunk, memory_order_relaxed);
    } while (first < r->end);
    return true;
}

static void share(pool_loop *loop)
{
    tasks *t = (tasks *)loop;
    const uint_fast32_t own = atomic_fetch_add_explicit(&t->joined, 1, memory_order_relaxed);
    bool any = false;
    for (uint32_t i = 0; i < t->n_ranges; i++)
        any |= drain(t, &t->ranges[(own + i) % t->n_ranges]);
    if (any && t->last != NULL)
        t->last();
}

/* Cuts n tasks into a range for each of the threads, in order. */
static void cut(tasks *t, size_t n, size_t threads)
{
    t->n_ranges = threads < RANGES_MAX ? (uint32_t)threads : RANGES_MAX;
    const size_t each = n / t->n_ranges, longer = n % t->n_ranges;
    size_t begin = 0;
    for (uint32_t i = 0; i < t->n_ranges; i++) {
        atomic_init(&t->ranges[i].next, begin);
        begin += each + (i < longer ? 1 : 0);
        t->ranges[i].end = begin;
    }
}

/* Returns how many helpers the work is worth: none where the calling thread would be done before
 * one is awake. */
static uint32_t helpers_for(uint32_t threads, size_t n, size_t bytes)
{
    const size_t each = bytes < THREADS_WORTH ? bytes : THREADS_WORTH;
    size_t worth = n > SIZE_MAX / THREADS_WORTH ? n : n * each / THREADS_WORTH;
    worth = worth < n ? worth : n;
    const size_t least = worth < threads ? worth : threads;
    return least > 1 ? (uint32_t)(least - 1) : 0;
}

void threads_for_then(uint32_t threads, size_t n, size_t bytes, void (*task)(void *arg, size_t i),
                      void *arg, void (*last)(void))
{
    const uint32_t helpers = helpers_for(threads, n, bytes);
    if (helpers == 0) {
        for (size_t i = 0; i < n; i++)
            task(arg, i);
        if (last != NULL && n > 0)
            last();
        return;
    }
    /* Many short tasks are taken in chunks, which are long enough for taking one to cost little,
     * and short enough for the threads to finish at about the same time. */
    const size_t part = n / ((size_t)threads * 64);
    tasks t;
    t.loop = (pool_loop){.share = share, .wanted = helpers};
    t.task = task;
    t.arg = arg;
    t.last = last;
    t.chunk = part < 1 ? 1 : part > 64 ? 64 : part;
    atomic_init(&t.joined, 0);
    cut(&t, n, (size_t)helpers + 1);
    pool_publish(&t.loop);
    share(&t.loop);
    pool_withdraw(&t.loop);
}

void threads_for(uint32_t threads, size_t n, size_t bytes, void (*task)(void *arg, size_t i),
                 void *arg)
{
    threads_for_then(threads, n, bytes, task, arg, NULL);
}
