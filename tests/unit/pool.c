/* Loops over the process's helpers: each task is done once, a call waits for no helper without a
 * task, and helpers are few, silent and gone in the end. */
#include <fenv.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/support/threads.h"
#include "no_threads.h"
#include "process.h"
#include "run.h"

enum { MOST = 7, TASKS_MAX = 1000 };

static size_t run_time; /* threads that a sanitizer's run-time has in every process */

/* Returns how many threads of this program's the process has. One that has been joined may be
 * listed for a while, so that the least of several looks counts. */
static size_t threads_alive(size_t expected)
{
    size_t least = SIZE_MAX;
    for (int look = 0; look < 2000 && least > expected; look++) {
        const size_t n = threads_listed() - run_time;
        least = n < least ? n : least;
        (void)sched_yield();
    }
    return least;
}

static uint32_t open_pool(uint32_t wish)
{
    uint32_t threads = 0;
    assert_ok(threads_open(wish, &threads));
    return threads;
}

/* ------------------------------------------------------------------------------------ tasks -- */

typedef struct {
    atomic_uint done[TASKS_MAX];
    atomic_uint last;
} counts;

static counts seen;

static void count(void *arg, size_t i)
{
    atomic_fetch_add(&((counts *)arg)->done[i], 1);
}

static void count_last(void)
{
    atomic_fetch_add(&seen.last, 1);
}

static void each_task_once(void **state)
{
    (void)state;
    static const size_t lengths[] = {0,  1,  2,   3,   6,   7,   8,        15,
                                     16, 17, 111, 112, 113, 500, TASKS_MAX};
    /* Above 32 threads, some share a range of tasks. */
    static const uint32_t wishes[] = {0, 1, 2, MOST - 1, MOST, MOST + 1, 31, 32, 33, 200};
    assert_int_equal(open_pool(0), MOST);
    for (size_t w = 0; w < COUNT_OF(wishes); w++)
        for (size_t k = 0; k < COUNT_OF(lengths); k++) {
            memset(&seen, 0, sizeof seen);
            threads_for_then(wishes[w], lengths[k], THREADS_WORTH, count, &seen, count_last);
            for (size_t i = 0; i < TASKS_MAX; i++)
                assert_int_equal(seen.done[i], i < lengths[k]);
            const uint32_t most = wishes[w] > MOST ? MOST : wishes[w] > 1 ? wishes[w] : 1;
            assert_in_range(seen.last, lengths[k] > 0, lengths[k] < most ? lengths[k] : most);
        }
    threads_close();
}

typedef struct {
    pthread_t caller;
    atomic_uint others;
} place;

static void note_thread(void *arg, size_t i)
{
    place *p = arg;
    (void)i;
    if (!pthread_equal(pthread_self(), p->caller))
        atomic_fetch_add(&p->others, 1);
}

/* What is not worth a helper is done by the calling thread, at once. */
static void small_work_stays(void **state)
{
    (void)state;
    place p = {.caller = pthread_self()};
    (void)open_pool(0);
    for (size_t n = 1; n < 64; n++)
        threads_for(MOST, n, (2 * THREADS_WORTH - 1) / n, note_thread, &p);
    threads_for(MOST, 1, SIZE_MAX, note_thread, &p);
    threads_for(1, 100, SIZE_MAX, note_thread, &p);
    assert_int_equal(p.others, 0);
    assert_int_equal(threads_alive(1), 1); /* no helper was started for it */
    threads_close();
}

/* ---------------------------------------------------------------------------------- helpers -- */

/* Tasks that wait until `release`, or until all of them have begun. */
typedef struct {
    atomic_uint begun;
    atomic_bool release;
    uint32_t expected;
    pthread_t caller;
    atomic_uint wrong;
} gate;

static void wait_at(void *arg, size_t i)
{
    gate *g = arg;
    (void)i;
    atomic_fetch_add(&g->begun, 1);
    while (!atomic_load(&g->release))
        (void)sched_yield();
}

static void *hold_helpers(void *arg)
{
    threads_for(MOST, MOST, THREADS_WORTH, wait_at, arg);
    return NULL;
}

enum { EACH = 5 };

static gate meeting;
static atomic_uint begun_at[MOST * EACH];

/* Waits until every thread has begun a task, and notes which. */
static void meet(void *arg, size_t i)
{
    (void)arg;
    if (atomic_load(&meeting.begun) >= MOST)
        return;
    atomic_store(&begun_at[i], 1);
    atomic_fetch_add(&meeting.begun, 1);
    while (atomic_load(&meeting.begun) < MOST)
        (void)sched_yield();
}

/* Each thread has tasks that lie side by side: it begins with the first of its own range. */
static void tasks_of_a_thread_are_neighbours(void **state)
{
    (void)state;
    (void)open_pool(0);
    threads_for(MOST, COUNT_OF(begun_at), THREADS_WORTH, meet, NULL);
    for (size_t i = 0; i < COUNT_OF(begun_at); i++)
        assert_int_equal(begun_at[i], i % EACH == 0);
    threads_close();
}

/* All helpers are held by another caller's tasks. This call needs none of them. */
static void no_call_waits_for_the_busy(void **state)
{
    (void)state;
    gate g = {.expected = MOST};
    pthread_t other;
    (void)open_pool(0);
    assert_int_equal(pthread_create(&other, NULL, hold_helpers, &g), 0);
    while (atomic_load(&g.begun) < MOST)
        (void)sched_yield();
    memset(&seen, 0, sizeof seen);
    threads_for(MOST, 100, THREADS_WORTH, count, &seen);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(seen.done[i], 1);
    atomic_store(&g.release, true);
    assert_int_equal(pthread_join(other, NULL), 0);
    threads_close();
}

/* However many call at once, the process has MOST - 1 helpers. */
static void callers_share_helpers(void **state)
{
    (void)state;
    enum { CALLERS = 5 };
    gate g[CALLERS];
    pthread_t others[CALLERS];
    (void)open_pool(0);
    for (size_t i = 0; i < CALLERS; i++) {
        memset(&g[i], 0, sizeof g[i]);
        assert_int_equal(pthread_create(&others[i], NULL, hold_helpers, &g[i]), 0);
    }
    for (unsigned begun = 0; begun < CALLERS + MOST - 1;) {
        begun = 0;
        for (size_t i = 0; i < CALLERS; i++)
            begun += atomic_load(&g[i].begun);
        assert_in_range(begun, 0, CALLERS + MOST - 1);
        (void)sched_yield();
    }
    assert_int_equal(threads_alive(1 + CALLERS + MOST - 1), 1 + CALLERS + MOST - 1);
    for (size_t i = 0; i < CALLERS; i++)
        atomic_store(&g[i].release, true);
    for (size_t i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_join(others[i], NULL), 0);
    threads_close();
    assert_int_equal(threads_alive(1), 1);
}

/* Helpers compute as the formats say and take nobody's signals, whoever had them started. */
static void look_around(void *arg, size_t i)
{
    gate *g = arg;
    sigset_t blocked;
    (void)i;
    if (!pthread_equal(pthread_self(), g->caller) &&
        (fegetround() != FE_TONEAREST || pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0 ||
         sigismember(&blocked, SIGINT) != 1 || sigismember(&blocked, SIGTERM) != 1))
        atomic_fetch_add(&g->wrong, 1);
    atomic_fetch_add(&g->begun, 1);
    while (atomic_load(&g->begun) < g->expected)
        (void)sched_yield();
}

static void helpers_are_neutral(void **state)
{
    (void)state;
    gate g = {.expected = MOST, .caller = pthread_self()};
    (void)open_pool(0);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    threads_for(MOST, MOST, THREADS_WORTH, look_around, &g);
    const int after = fegetround();
    assert_int_equal(fesetround(FE_TONEAREST), 0);
    assert_int_equal(after, FE_UPWARD);
    assert_int_equal(g.wrong, 0);
    threads_close();
}

/* The pool is opened and closed, in turn and at once, with and without work between. */
static void *open_and_close(void *arg)
{
    for (int round = 0; round < 50; round++) {
        uint32_t threads;
        if (threads_open(0, &threads) != PARSEAL_OK)
            return arg;
        if (round % 3 != 0)
            threads_for(threads, 20, THREADS_WORTH, note_thread,
                        &(place){.caller = pthread_self()});
        threads_close();
    }
    return NULL;
}

static void ends_with_the_last(void **state)
{
    (void)state;
    enum { OTHERS = 4 };
    pthread_t others[OTHERS];
    for (size_t i = 0; i < OTHERS; i++)
        assert_int_equal(pthread_create(&others[i], NULL, open_and_close, &others), 0);
    for (size_t i = 0; i < OTHERS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(others[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(threads_alive(1), 1);
}

/* Where the system starts no thread, the calling one does all of it. */
static void no_thread_to_be_had(void **state)
{
    (void)state;
    place p = {.caller = pthread_self()};
    (void)open_pool(0);
    no_threads(true);
    memset(&seen, 0, sizeof seen);
    threads_for_then(MOST, 100, THREADS_WORTH, count, &seen, count_last);
    threads_for(MOST, 100, THREADS_WORTH, note_thread, &p);
    no_threads(false);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(seen.done[i], 1);
    assert_int_equal(seen.last, 1);
    assert_int_equal(p.others, 0);
    assert_true(threads_refused() > 0);
    threads_close();
}

/* ------------------------------------------------------------------------------ environment -- */

static void number_of_threads(void **state)
{
    (void)state;
    static const struct {
        const char *own, *openmp;
        uint32_t wish, want; /* 0: an error */
    } cases[] = {
        {"3", "5", 0, 3},    {"3", "5", 2, 2},   {"3", NULL, 9, 3},
        {NULL, "5", 0, 5},   {"", "5", 0, 5},    {NULL, "4,2", 0, 4},
        {NULL, " 6 ", 0, 6}, {"x", "5", 0, 0},   {"0", "5", 0, 0},
        {"-1", "5", 0, 0},   {"2,3", "5", 0, 0}, {"99999999999999999999", NULL, 1, 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t threads = 77;
        (void)(cases[i].own != NULL ? setenv("PARSEAL_THREADS", cases[i].own, 1)
                                    : unsetenv("PARSEAL_THREADS"));
        (void)(cases[i].openmp != NULL ? setenv("OMP_NUM_THREADS", cases[i].openmp, 1)
                                       : unsetenv("OMP_NUM_THREADS"));
        if (cases[i].want == 0) {
            assert_error(threads_open(cases[i].wish, &threads), PARSEAL_ERR_ARG, "PARSEAL_THREADS");
            assert_int_equal(threads, 77);
            continue;
        }
        assert_ok(threads_open(cases[i].wish, &threads));
        assert_int_equal(threads, cases[i].want);
        threads_close();
    }
    (void)unsetenv("PARSEAL_THREADS");
    (void)unsetenv("OMP_NUM_THREADS");
    assert_true(open_pool(0) >= 1); /* as many as there are cores */
    threads_close();
    /* What OpenMP cannot read it ignores. */
    const uint32_t cores = open_pool(0);
    threads_close();
    (void)setenv("OMP_NUM_THREADS", "many", 1);
    assert_int_equal(open_pool(0), cores);
    threads_close();
}

static void *nothing(void *arg)
{
    return arg;
}

/* Run-times may start threads of their own beside the program's first ones, and keep them. */
static void count_others(void)
{
    pthread_t ids[2 * MOST];
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_int_equal(pthread_create(&ids[i], NULL, nothing, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    run_time = threads_alive(0) - 1;
}

int main(void)
{
    (void)setenv("PARSEAL_THREADS", "7", 1);
    count_others();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_once),
        cmocka_unit_test(small_work_stays),
        cmocka_unit_test(tasks_of_a_thread_are_neighbours),
        cmocka_unit_test(no_call_waits_for_the_busy),
        cmocka_unit_test(callers_share_helpers),
        cmocka_unit_test(helpers_are_neutral),
        cmocka_unit_test(ends_with_the_last),
        cmocka_unit_test(no_thread_to_be_had),
        cmocka_unit_test(number_of_threads),
    };
    return RUN_SUITE("pool", tests);
}
