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

/* One call's tasks, of which each thread claims a chunk at a time. */
typedef struct {
    pool_loop loop; /* first, so that a pointer to it is one to this */
    void (*task)(void *arg, size_t i);
    void *arg;
    void (*last)(void);
    size_t n, chunk;
    atomic_size_t next;
} tasks;

static void share(pool_loop *loop)
{
    tasks *t = (tasks *)loop;
    size_t first = atomic_fetch_add_explicit(&t->next, t->chunk, memory_order_relaxed);
    if (first >= t->n)
        return;
    do {
        const size_t end = t->n - first < t->chunk ? t->n : first + t->chunk;
        for (size_t i = first; i < end; i++)
            t->task(t->arg, i);
        first = atomic_fetch_add_explicit(&t->next, t->chunk, memory_order_relaxed);
    } while (first < t->n);
    if (t->last != NULL)
        t->last();
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
    tasks t = {.loop = {.share = share, .wanted = helpers},
               .task = task,
               .arg = arg,
               .last = last,
               .n = n,
               .chunk = part < 1    ? 1
                        : part > 64 ? 64
                                    : part};
    atomic_init(&t.next, 0);
    pool_publish(&t.loop);
    share(&t.loop);
    pool_withdraw(&t.loop);
}

void threads_for(uint32_t threads, size_t n, size_t bytes, void (*task)(void *arg, size_t i),
                 void *arg)
{
    threads_for_then(threads, n, bytes, task, arg, NULL);
}
