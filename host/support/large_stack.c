#if defined(__linux__) && !defined(_GNU_SOURCE)
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming): libc's */
#define _GNU_SOURCE /* for pthread_getattr_np and syscall */
#endif
#include "host/support/large_stack.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "host/support/error.h"

/* As main threads have it. */
enum { LARGE_STACK = 8 << 20 };
_Static_assert((int)LARGE_STACK > (int)LARGE_STACK_LEFT, "a new thread's stack is too small");

#if defined(__linux__)
typedef struct {
    uintptr_t lowest;
    size_t size;
} extent;

/* Returns size 0 where the system does not tell. */
static extent ask_for_stack(void)
{
    extent e = {0, 0};
    pthread_attr_t attributes;
    void *lowest;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return e;
    if (pthread_attr_getstack(&attributes, &lowest, &size) == 0)
        e = (extent){(uintptr_t)lowest, size};
    (void)pthread_attr_destroy(&attributes);
    return e;
}

/* For the main thread libcs read the list of the process's mappings, which takes longer than to
 * start a thread: so the answer is kept. Stacks of other threads come and go. */
static extent stack_of_caller(void)
{
    static _Atomic size_t main_size;
    static _Atomic uintptr_t main_lowest;
    if (syscall(SYS_gettid) != getpid())
        return ask_for_stack();
    const uintptr_t known = atomic_load(&main_lowest);
    if (known != 0)
        return (extent){known, atomic_load(&main_size)};
    const extent e = ask_for_stack();
    atomic_store(&main_size, e.size);
    atomic_store(&main_lowest, e.lowest);
    return e;
}
#endif

/* Returns how many bytes are left on the calling thread's stack; 0 where that cannot be told, as on
 * a stack that a coroutine or a signal has been given, or in a child of fork. */
static size_t stack_left(void)
{
#if defined(__linux__)
    const extent e = stack_of_caller();
    const uintptr_t here = (uintptr_t)&e;
    if (here > e.lowest && here - e.lowest < e.size)
        return here - e.lowest;
#endif
    return 0;
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

/* The calling thread is taken where it can be: starting another costs some 50 us, and Oclgrind
 * keeps a kernel's undefined bytes in memory of the thread that made the context. */
void with_large_stack(void (*work)(void *arg), void *arg)
{
    on_stack s = {work, arg, parseal_error_save()};
    if (stack_left() >= LARGE_STACK_LEFT || !run_on_thread(&s))
        work(arg);
}
