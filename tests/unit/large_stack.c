/* Code that takes much stack is called where there is much: on the calling thread if that has
 * it. */
#include "host/support/large_stack.h"

#include <pthread.h>
#include <string.h>

#include "check.h"
#include "host/support/error.h"
#include "no_threads.h"
#include "run.h"

/* SMALL is the least that aarch64 allows. None lies between a quarter of what is made for the work
 * and that: libcs hand out a stack that they have kept for a new thread that wants so much. */
enum { SMALL = 128 * 1024, MIDDLE = 1024 * 1024, LARGE = 2 * LARGE_STACK_LEFT };

typedef struct {
    size_t stack; /* bytes of the calling thread's; 0: the main thread */
    bool refused, use;
    pthread_t caller, worker;
    char error[2][64]; /* before and after the work */
} trial;

/* Writes to nearly all of the stack that is promised. */
static void use_stack(void)
{
    volatile uint8_t much[LARGE_STACK_LEFT - 256 * 1024];
    for (size_t i = 0; i < sizeof much; i += 4096)
        much[sizeof much - 1 - i] = (uint8_t)i;
}

/* Called through a pointer that may change: within `work` it would take its stack in all cases. */
static void (*const volatile use)(void) = use_stack;

static void work(void *arg)
{
    trial *t = arg;
    t->worker = pthread_self();
    strncpy(t->error[0], parseal_last_error_text(), sizeof t->error[0] - 1);
    if (t->use)
        use();
    (void)parseal_fail(PARSEAL_ERR_SIZE, "of the work");
}

static void *call(void *arg)
{
    trial *t = arg;
    t->caller = pthread_self();
    (void)parseal_fail(PARSEAL_ERR_ARG, "of the caller");
    no_threads(t->refused);
    with_large_stack(work, t);
    no_threads(false);
    strncpy(t->error[1], parseal_last_error_text(), sizeof t->error[1] - 1);
    return NULL;
}

static void where_there_is_room(void **state)
{
    (void)state;
    static const struct {
        size_t stack;
        bool refused, same;
    } cases[] = {
        {SMALL, false, false},
        {MIDDLE, false, false},
#if defined(__linux__)
        {LARGE, false, true},
#else
        {LARGE, false, false},
#endif
        {SMALL, true, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        trial t = {.stack = cases[i].stack, .refused = cases[i].refused};
        t.use = !(cases[i].refused && cases[i].stack < LARGE);
        pthread_attr_t attributes;
        pthread_t id;
        assert_int_equal(pthread_attr_init(&attributes), 0);
        assert_int_equal(pthread_attr_setstacksize(&attributes, t.stack), 0);
        assert_int_equal(pthread_create(&id, &attributes, call, &t), 0);
        assert_int_equal(pthread_join(id, NULL), 0);
        assert_int_equal(pthread_attr_destroy(&attributes), 0);
        assert_int_equal(pthread_equal(t.caller, t.worker) != 0, cases[i].same);
        assert_string_equal(t.error[0], "of the caller");
        assert_string_equal(t.error[1], "of the work");
    }
}

/* What is kept about the main thread's stack is what was found out first. */
static void the_main_thread(void **state)
{
    (void)state;
    trial first = {.use = true}, second = {.use = true};
    (void)call(&first);
    (void)call(&second);
    assert_true(pthread_equal(first.caller, second.caller));
    assert_int_equal(pthread_equal(first.caller, first.worker) != 0,
                     pthread_equal(second.caller, second.worker) != 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(where_there_is_room),
                                              cmocka_unit_test(the_main_thread)};
    return RUN_SUITE("large_stack", tests);
}
