#if defined(__linux__) && !defined(_GNU_SOURCE)
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming): libc's */
#define _GNU_SOURCE /* for pthread_getattr_np */
#endif
#include "host/support/large_stack.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/support/error.h"

/* As main threads have it. */
enum { LARGE_STACK = 8 << 20 };
_Static_assert((int)LARGE_STACK > (int)LARGE_STACK_LEFT, "a new thread's stack is too small");

/* Returns how many bytes are left on the calling thread's stack; 0 where that cannot be told, as on
 * a stack that a coroutine or a signal has been given. */
static size_t stack_left(void)
{
    size_t left = 0;
#if defined(__linux__)
    pthread_attr_t attributes;
    void *lowest;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return 0;
    if (pthread_attr_getstack(&attributes, &lowest, &size) == 0) {
        const uintptr_t here = (uintptr_t)&attributes, low = (uintptr_t)lowest;
        if (here > low && here - low < size)
            left = here - low;
    }
    (void)pthread_attr_destroy(&attributes);
#endif
    return left;
}

typedef struct {
    void (*work)(void *arg);
    void *arg;
    parseal_error error; /* of the thread, for the calling one */
} on_stack;

static void *run_on_stack(void *arg)
{
    on_stack *s = arg;
    parseal_error_restore(&s->error);
    s->work(s->arg);
    s->error = parseal_error_save();
    return NULL;
}

/* Returns false where no thread could be started. */
static bool run_on_thread(on_stack *s)
{
    pthread_attr_t attributes;
    pthread_t id;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    const bool started = pthread_attr_setstacksize(&attributes, LARGE_STACK) == 0 &&
                         pthread_create(&id, &attributes, run_on_stack, s) == 0;
    (void)pthread_attr_destroy(&attributes);
    if (!started)
        return false;
    (void)pthread_join(id, NULL);
    parseal_error_restore(&s->error);
    return true;
}

/* The calling thread is taken where it can be: starting another costs some 50 us, and Oclgrind keeps
 * a kernel's undefined bytes in memory of the thread that made the context. */
void with_large_stack(void (*work)(void *arg), void *arg)
{
    on_stack s = {work, arg, parseal_error_save()};
    if (stack_left() >= LARGE_STACK_LEFT || !run_on_thread(&s))
        work(arg);
}
