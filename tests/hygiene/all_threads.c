#include "all_threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "host/support/threads.h"

typedef struct {
    void (*f)(void *arg, uint32_t i);
    void *arg;
    uint32_t threads;
    pthread_t caller;
    atomic_uint helpers, arrived;
} meeting;

/* A thread that has a task waits for the others, so that no thread can take two. */
static void meet(void *arg, size_t task)
{
    meeting *m = arg;
    (void)task;
    if (pthread_equal(pthread_self(), m->caller))
        m->f(m->arg, 0);
    else
        m->f(m->arg, 1 + atomic_fetch_add(&m->helpers, 1));
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < m->threads)
        (void)sched_yield();
}

void on_all_threads(uint32_t threads, void (*f)(void *arg, uint32_t i), void *arg)
{
    meeting m = {.f = f, .arg = arg, .threads = threads, .caller = pthread_self()};
    threads_for(threads, threads, THREADS_WORTH, meet, &m);
}
