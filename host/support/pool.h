/* The process's helpers: threads that come to a loop and take a share of it. For threads.c and,
 * around fork, process.c. */
#ifndef PARSEAL_HOST_SUPPORT_POOL_H
#define PARSEAL_HOST_SUPPORT_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One call's wish for helpers. It lives on the caller's stack: pool_publish makes it known, and
 * after pool_withdraw nobody looks at it any more. */
typedef struct pool_loop {
    void (*share)(struct pool_loop *loop); /* takes chunks until there are none */
    uint32_t wanted;                       /* helpers that may still come */
    bool asleep;                           /* the caller waits for `left` */
    atomic_uint_fast32_t inside;           /* helpers that are in share() */
    pthread_cond_t left;                   /* the last one is out */
    struct pool_loop *next;
} pool_loop;

/* Keeps the pool, in which there may be up to `helpers` helpers from now on. */
void pool_open(uint32_t helpers);

/* The last one to close ends the helpers and waits for their ends. */
void pool_close(void);

/* Makes the loop known to helpers, of which up to loop->wanted may come. */
void pool_publish(pool_loop *loop);

/* Lets no helper in any more and waits until all are out. */
void pool_withdraw(pool_loop *loop);

/* Around fork: before it, after it in the parent, and after it in the child, which has no
 * helpers. */
void pool_lock_for_fork(void);
void pool_unlock_after_fork(bool child);

#endif
