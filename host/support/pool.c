/* Why a pool of our own. A server shares its machine, and its clients' messages are small: a call
 * must not wait for a helper that the system is not running and that has done nothing. Of what is
 * well kept and was tried here, OpenMP's loops (libgomp, with any wait policy) end with a
 * barrier of all threads, and libpthreadpool's when each of its threads has reported; both hang
 * in a child of fork. oneTBB's scheduler waits for tasks alone, and its children compute. But
 * it is a C++ library to be shipped beside a C one, its threads run on when we are unloaded,
 * and their number is the application's to set. What is needed is little: a lock, a list of
 * loops, a condition to sleep on.
 */
#include "host/support/pool.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "host/support/float_state.h"

/* Tells the core that the thread waits in a loop. */
static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

enum {
    HELPER_STACK = 256 * 1024,  /* Calls need less than 64 KiB; the rest is the C library's. */
    LOCK_TRIES = 100,           /* before a thread sleeps for the lock, which is held shortly */
    NS_LOOK_AROUND = 20 * 1000, /* about what waking a thread costs */
};

typedef struct helper {
    pthread_t id;
    uint64_t epoch; /* the pool's when it was started, which may be long before it first runs */
    struct helper *next;
} helper;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a loop wants helpers, or helpers are to end */
    pool_loop *first;    /* those that may want helpers, the oldest first */
    helper *list;
    uint32_t users, most, helpers, busy, sleeping;
    uint64_t epoch; /* Helpers of an earlier one end. */
    bool refused;   /* The system has no thread more for us. */
    atomic_uint_fast32_t published;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

static void lock(void)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (pthread_mutex_trylock(&pool.lock) == 0)
            return;
        relax();
    }
    (void)pthread_mutex_lock(&pool.lock);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&pool.lock);
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Looks at *value, without sleeping, until done(value, of) or for NS_LOOK_AROUND. Returns whether
 * it was done. */
static bool look_around(const atomic_uint_fast32_t *value,
                        bool (*done)(uint_fast32_t value, uint_fast32_t of), uint_fast32_t of)
{
    const int64_t end = now_ns() + NS_LOOK_AROUND;
    do {
        for (int i = 0; i < 16; i++) {
            if (done(atomic_load_explicit(value, memory_order_relaxed), of))
                return true;
            relax();
        }
    } while (now_ns() < end);
    return false;
}

static bool is(uint_fast32_t value, uint_fast32_t of)
{
    return value == of;
}

static bool is_not(uint_fast32_t value, uint_fast32_t of)
{
    return value != of;
}

/* ---------------------------------------------------------------------------------- helpers -- */

/* Returns a loop that wants a helper, or NULL. */
static pool_loop *wanting(void)
{
    pool_loop *loop = pool.first;
    while (loop != NULL && loop->wanted == 0)
        loop = loop->next;
    return loop;
}

/* Takes part in the loop. To be called with the lock, which it gives away meanwhile. */
static void help(pool_loop *loop)
{
    loop->wanted--;
    pool.busy++;
    atomic_fetch_add_explicit(&loop->inside, 1, memory_order_relaxed);
    unlock();
    loop->share(loop);
    lock();
    pool.busy--;
    /* The caller takes the lock once more before it returns: until then the loop is there. */
    if (atomic_fetch_sub_explicit(&loop->inside, 1, memory_order_release) == 1 && loop->asleep)
        (void)pthread_cond_signal(&loop->left);
}

/* Looks for a while whether a loop is published, and sleeps if none is. To be called with the
 * lock, under which there was no loop to help. */
static void rest(uint64_t epoch)
{
    const uint_fast32_t seen = atomic_load_explicit(&pool.published, memory_order_relaxed);
    unlock();
    const bool more = look_around(&pool.published, is_not, seen);
    lock();
    if (more || wanting() != NULL || pool.epoch != epoch)
        return;
    pool.sleeping++;
    (void)pthread_cond_wait(&pool.work, &pool.lock);
    pool.sleeping--;
}

static void *run_helper(void *self)
{
    const uint64_t epoch = ((const helper *)self)->epoch;
    /* Formats round to nearest, whatever the thread did that started this one. */
    (void)float_state_set();
    lock();
    while (pool.epoch == epoch) {
        pool_loop *loop = wanting();
        if (loop != NULL)
            help(loop);
        else
            rest(epoch);
    }
    unlock();
    return NULL;
}

/* Starts a helper, to be called with the lock. Signals stay the business of the application's
 * threads. */
static bool start(void)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    helper *made = malloc(sizeof *made);
    if (made == NULL)
        return false;
    made->epoch = pool.epoch;
    if (pthread_attr_init(&attributes) != 0) {
        free(made);
        return false;
    }
    (void)pthread_attr_setstacksize(&attributes, HELPER_STACK);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&made->id, &attributes, run_helper, made) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    if (!started) {
        free(made);
        return false;
    }
    made->next = pool.list;
    pool.list = made;
    pool.helpers++;
    return true;
}

/* ------------------------------------------------------------------------------------ users -- */

void pool_open(uint32_t helpers)
{
    lock();
    pool.users++;
    pool.most = helpers > pool.most ? helpers : pool.most;
    pool.refused = false;
    unlock();
}

void pool_close(void)
{
    lock();
    if (--pool.users > 0) {
        unlock();
        return;
    }
    helper *list = pool.list;
    pool.list = NULL;
    pool.helpers = pool.most = 0;
    pool.epoch++;
    atomic_fetch_add_explicit(&pool.published, 1, memory_order_relaxed);
    (void)pthread_cond_broadcast(&pool.work);
    unlock();
    /* Whoever opens the pool from now on has helpers of the new epoch. */
    while (list != NULL) {
        helper *next = list->next;
        (void)pthread_join(list->id, NULL);
        free(list);
        list = next;
    }
}

/* ------------------------------------------------------------------------------------ loops -- */

void pool_publish(pool_loop *loop)
{
    atomic_init(&loop->inside, 0);
    loop->asleep = false;
    loop->next = NULL;
    (void)pthread_cond_init(&loop->left, NULL);
    lock();
    pool_loop **last = &pool.first;
    while (*last != NULL)
        last = &(*last)->next;
    *last = loop;
    while (pool.helpers - pool.busy < loop->wanted && pool.helpers < pool.most && !pool.refused)
        pool.refused = !start();
    const uint32_t idle = pool.helpers - pool.busy;
    const uint32_t looking = idle > pool.sleeping ? idle - pool.sleeping : 0;
    uint32_t wake = loop->wanted > looking ? loop->wanted - looking : 0;
    wake = wake < pool.sleeping ? wake : pool.sleeping;
    atomic_fetch_add_explicit(&pool.published, 1, memory_order_relaxed);
    unlock();
    for (; wake > 0; wake--)
        (void)pthread_cond_signal(&pool.work);
}

void pool_withdraw(pool_loop *loop)
{
    lock();
    pool_loop **at = &pool.first;
    while (*at != loop)
        at = &(*at)->next;
    *at = loop->next;
    if (atomic_load_explicit(&loop->inside, memory_order_acquire) != 0) {
        unlock();
        (void)look_around(&loop->inside, is, 0);
        lock();
        loop->asleep = true;
        while (atomic_load_explicit(&loop->inside, memory_order_acquire) != 0)
            (void)pthread_cond_wait(&loop->left, &pool.lock);
    }
    unlock();
    (void)pthread_cond_destroy(&loop->left);
}

/* ------------------------------------------------------------------------------------- fork -- */

void pool_lock_for_fork(void)
{
    (void)pthread_mutex_lock(&pool.lock);
}

void pool_unlock_after_fork(bool child)
{
    if (child) {
        /* Helpers, and other threads with their loops, stayed with the parent. A condition that
         * they slept on would count them among those to wake. */
        while (pool.list != NULL) {
            helper *next = pool.list->next;
            free(pool.list);
            pool.list = next;
        }
        pool.first = NULL;
        pool.helpers = pool.busy = pool.sleeping = 0;
        pool.refused = false;
        pool.work = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    }
    unlock();
}
