#include "host/support/process.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "host/support/pool.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool guarded, initialised; /* under the lock, or in `once` */
static atomic_uint_fast64_t generation;

/* Handlers before a fork: the pool's lock is always taken inside of this one. */
static void before_fork(void)
{
    process_lock();
    pool_lock_for_fork();
}

static void after_fork_in_parent(void)
{
    pool_unlock_after_fork(false);
    process_unlock();
}

static void after_fork_in_child(void)
{
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
    pool_unlock_after_fork(true);
    process_unlock();
}

static void guard_fork(void)
{
    guarded = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

bool process_ready(void)
{
    static atomic_bool ready;
    if (atomic_load_explicit(&ready, memory_order_acquire))
        return true;
    /* The handlers come first, so that no fork finds the lock taken. A child whose parent was in
     * the midst of it does it again: that is what pthread_once promises where it knows of fork. */
    (void)pthread_once(&once, guard_fork);
    process_lock();
    if (!guarded)
        guard_fork();
    /* libsodium takes a lock of its own while it initialises itself, each time that it is asked. */
    if (guarded && !initialised)
        initialised = sodium_init() >= 0;
    const bool done = guarded && initialised;
    if (done)
        atomic_store_explicit(&ready, true, memory_order_release);
    process_unlock();
    return done;
}

void process_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

void process_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

uint64_t process_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed);
}
