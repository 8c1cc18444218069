/* The arena of guarded memory: leases of every size, what happens past their ends, when they become
 * read-only, what is left of them, many threads, and children of fork. */
#include "host/support/arena.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host/support/process.h"
#include "process.h"
#include "rng.h"
#include "run.h"

/* ---------------------------------------------------------------------------------- children -- */

typedef struct {
    void (*act)(arena *a, arena_lease *lease);
    arena *a;
    arena_lease *lease;
} deed;

static void act(void *arg)
{
    const deed *d = arg;
    d->act(d->a, d->lease);
}

/* Returns the signal that ends a child which does it, 0 for none. */
static int ends_by(void (*what)(arena *a, arena_lease *lease), arena *a, arena_lease *lease)
{
    return signal_of(act, &(deed){what, a, lease});
}

static void write_first(arena *a, arena_lease *lease)
{
    (void)a;
    *(volatile uint8_t *)lease->bytes = 1;
}

static void read_first(arena *a, arena_lease *lease)
{
    (void)a;
    (void)*(volatile uint8_t *)lease->bytes;
}

/* Loops that run on and on, until they are stopped. */
static void read_past_all(arena *a, arena_lease *lease)
{
    (void)a;
    for (volatile uint8_t *p = lease->bytes;; p++)
        (void)*p;
}

static void write_past_all(arena *a, arena_lease *lease)
{
    (void)a;
    for (volatile uint8_t *p = lease->bytes;; p++)
        *p = 1;
}

static void write_before_all(arena *a, arena_lease *lease)
{
    (void)a;
    for (volatile uint8_t *p = lease->bytes;; p--)
        *p = 1;
}

static void write_after_and_give(arena *a, arena_lease *lease)
{
    ((volatile uint8_t *)lease
         ->bytes)[(lease->size + ARENA_CANARY + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT - 1] ^= 1;
    arena_give(a, lease);
}

/* ------------------------------------------------------------------------------------- sizes -- */

static uint8_t byte_of(size_t id, size_t i)
{
    return (uint8_t)(id * 37 + i * 11 + (i >> 8) + 1);
}

static void fill(const arena_lease *lease, size_t id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)lease->bytes)[i] = byte_of(id, i);
}

static bool holds(const arena_lease *lease, size_t id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const uint8_t *)lease->bytes)[i] != byte_of(id, i))
            return false;
    return true;
}

/* Each size several times at once, with another beside it, so that a lease that overlaps another
 * would show. */
static void leases_of_every_size(void **state)
{
    enum { AT_ONCE = 21 };
    static const size_t around[] = {1,
                                    48,
                                    64,
                                    112,
                                    768,
                                    16 * ARENA_UNIT - ARENA_CANARY,
                                    32 * ARENA_UNIT - ARENA_CANARY,
                                    4096,
                                    ARENA_CELL_MAX / 2,
                                    ARENA_CELL_MAX - ARENA_CANARY,
                                    ARENA_CELL_MAX,
                                    ARENA_SLAB_MAX,
                                    ARENA_SPARE_MAX};
    arena *a = arena_create();
    (void)state;
    assert_non_null(a);
    for (size_t i = 0; i < COUNT_OF(around); i++)
        for (size_t size = around[i] > 1 ? around[i] - 1 : 1; size <= around[i] + 1; size++) {
            arena_lease leases[AT_ONCE];
            const size_t n = size > ARENA_SLAB_MAX ? 2 : AT_ONCE;
            for (size_t k = 0; k < n; k++) {
                assert_true(arena_take(a, size, 1, k % 5 == 1, &leases[k]));
                assert_int_equal((uintptr_t)leases[k].bytes % ARENA_UNIT, 0);
                assert_true(leases[k].size >= size);
                fill(&leases[k], k, size);
                if (k % 3 != 0)
                    arena_filled(&leases[k]);
            }
            for (size_t k = 0; k < n; k++)
                if (!holds(&leases[k], k, size))
                    fail_msg("lease %zu of %zu bytes has changed", k, size);
            for (size_t k = 0; k < n; k++) {
                arena_give(a, &leases[k]);
                assert_null(leases[k].bytes);
                arena_give(a, &leases[k]); /* Now there is nothing to give. */
            }
        }
    arena_destroy(a);
    arena_destroy(NULL);
}

static void products_that_overflow(void **state)
{
    arena *a = arena_create();
    arena_lease lease;
    (void)state;
    static const size_t n[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 64 + 1};
    for (size_t i = 0; i < COUNT_OF(n); i++) {
        memset(&lease, UNTOUCHED, sizeof lease);
        assert_false(arena_take(a, n[i], 64, i % 2 == 0, &lease));
        assert_null(lease.bytes);
        arena_give(a, &lease);
    }
    arena_destroy(a);
}

/* ------------------------------------------------------------------------------------ guards -- */

/* The bytes just behind a lease are noticed when it is given back; a write that runs on, in either
 * direction, comes to pages that nobody may touch. */
static void writes_past_a_lease_end_the_process(void **state)
{
    static const size_t sizes[] = {1, 48, 112, 768, 4096, 9000, 70000};
    arena *a = arena_create();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        arena_lease lease;
        const bool cell = sizes[i] <= ARENA_CELL_MAX - ARENA_CANARY;
        assert_true(arena_take(a, sizes[i], 1, false, &lease));
        assert_int_equal(ends_by(read_first, a, &lease), 0);
        assert_int_equal(ends_by(write_first, a, &lease), 0);
        assert_int_equal(ends_by(write_past_all, a, &lease), SIGSEGV);
        assert_int_equal(ends_by(write_before_all, a, &lease), SIGSEGV);
        if (cell && sizes[i] <= 1024) /* Larger cells have sizes that are rounded up further. */
            assert_int_equal(ends_by(write_after_and_give, a, &lease), SIGABRT);
        fill(&lease, i, sizes[i]);
        arena_give(a, &lease);
    }
    arena_destroy(a);
}

/* --------------------------------------------------------------------------------- read-only -- */

static void own_pages_are_read_only(void **state)
{
    static const size_t sizes[] = {48, 4096, 100000, 3000000};
    arena *a = arena_create();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int again = 0; again < 3; again++) { /* The pages are used again, and are writable. */
            arena_lease lease;
            assert_true(arena_take(a, sizes[i], 1, true, &lease));
            fill(&lease, i, sizes[i]);
            arena_filled(&lease);
            assert_int_equal(ends_by(read_first, a, &lease), 0);
            assert_int_equal(ends_by(write_first, a, &lease), SIGSEGV);
            assert_true(holds(&lease, i, sizes[i]));
            arena_give(a, &lease);
        }
    arena_destroy(a);
}

enum { MANY = 2000, LEASE = 768 };

/* Takes leases until one is in another slab than the first, and returns how many share the first
 * one's. All are filled but the `open`-th. */
static size_t take_a_slab(arena *a, arena_lease *leases, size_t open)
{
    size_t n = 0;
    do {
        assert_true(n < MANY);
        assert_true(arena_take(a, 1, LEASE, false, &leases[n]));
        fill(&leases[n], n, LEASE);
        if (n != open)
            arena_filled(&leases[n]);
    } while (leases[n++].slab == leases[0].slab);
    return n - 1;
}

static void full_slabs_are_read_only(void **state)
{
    static arena_lease leases[MANY];
    arena *a = arena_create();
    (void)state;
    const size_t n = take_a_slab(a, leases, MANY);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ends_by(write_first, a, &leases[i]), SIGSEGV);
    assert_int_equal(ends_by(write_first, a, &leases[n]), 0);

    /* One is given back: the others can be read, and the slab written; and again. */
    for (int again = 0; again < 2; again++) {
        arena_give(a, &leases[1]);
        for (size_t i = 0; i <= n; i++)
            assert_true(i == 1 || holds(&leases[i], i, LEASE));
        assert_int_equal(ends_by(write_first, a, &leases[0]), 0);
        assert_true(arena_take(a, 1, LEASE, false, &leases[1]));
        assert_ptr_equal(leases[1].slab, leases[0].slab);
        fill(&leases[1], 1, LEASE);
        arena_filled(&leases[1]);
    }
    for (size_t i = 0; i <= n; i++)
        arena_give(a, &leases[i]);
    arena_destroy(a);
}

/* As long as one lease is not filled, none of its slab is read-only. */
static void slabs_wait_for_open_leases(void **state)
{
    static arena_lease leases[MANY];
    arena *a = arena_create();
    (void)state;
    const size_t n = take_a_slab(a, leases, 1);
    assert_true(n >= 2);
    assert_int_equal(ends_by(write_first, a, &leases[0]), 0);
    assert_int_equal(ends_by(write_first, a, &leases[1]), 0);
    arena_filled(&leases[1]);
    assert_int_equal(ends_by(write_first, a, &leases[0]), SIGSEGV);
    assert_int_equal(ends_by(write_first, a, &leases[1]), SIGSEGV);

    /* One is given back that was never filled: it is not waited for. */
    arena_lease others[2];
    arena_give(a, &leases[1]);
    assert_true(arena_take(a, 1, LEASE, false, &leases[1]));
    arena_give(a, &leases[1]);
    assert_true(arena_take(a, 1, LEASE, false, &leases[1]));
    assert_ptr_equal(leases[1].slab, leases[0].slab);
    arena_filled(&leases[1]);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_true(arena_take(a, 1, LEASE, false, &others[i]));
    assert_int_equal(ends_by(write_first, a, &leases[0]), SIGSEGV);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        arena_give(a, &others[i]);
    for (size_t i = 0; i <= n; i++)
        arena_give(a, &leases[i]);
    arena_destroy(a);
}

/* --------------------------------------------------------------------- the limit of mappings -- */

/* At its limit a process gets no lease, rather than one without guards. */
static void leases_up_to_the_limit_of_mappings(void **state)
{
    enum { MOST = 20000, SIZE = 100 };
    static arena_lease leases[MOST];
    arena *a = arena_create();
    arena_lease shared;
    (void)state;
    const size_t most = run_share(MOST, 20);
    size_t n = 0;
    while (n < most && arena_take(a, 1, SIZE, true, &leases[n])) {
        fill(&leases[n], n, SIZE);
        arena_filled(&leases[n]);
        n++;
    }
    assert_true(n > 0);
    for (size_t i = 0; i<n; i += n> 1 ? n - 1 : 1) {
        assert_int_equal(ends_by(read_past_all, a, &leases[i]), SIGSEGV);
        assert_int_equal(ends_by(write_first, a, &leases[i]), SIGSEGV);
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(holds(&leases[i], i, SIZE));
        arena_give(a, &leases[i]);
    }
    assert_true(arena_take(a, 1, SIZE, false, &shared));
    arena_give(a, &shared);
    arena_destroy(a);
    if (n == most)
        skip(); /* This system lets a process have more. */
}

/* ------------------------------------------------------------------------------ what is left -- */

static void nothing_is_left_in_free_cells(void **state)
{
    static arena_lease leases[MANY];
    static uint8_t *where[MANY];
    arena *a = arena_create();
    (void)state;
    const size_t n = take_a_slab(a, leases, MANY);
    for (size_t i = 0; i <= n; i++)
        where[i] = leases[i].bytes;
    for (size_t i = 1; i <= n; i++) /* The first stays, and with it the slab. */
        arena_give(a, &leases[i]);
    for (size_t i = 1; i < n; i++)
        assert_filled(where[i], LEASE + ARENA_CANARY, 0);
    arena_give(a, &leases[0]);
    arena_destroy(a);
}

static void nothing_is_left_in_own_pages(void **state)
{
    arena *a = arena_create();
    arena_lease lease, second;
    (void)state;
    assert_true(arena_take(a, 20000, 1, false, &lease));
    fill(&lease, 1, 20000);
    arena_filled(&lease);
    const uint8_t *where = lease.bytes;
    arena_give(a, &lease);
    assert_filled(where, 20000, 0); /* It is kept for the next one. */
    assert_true(arena_take(a, 19000, 1, false, &second));
    assert_in_range((uintptr_t)second.bytes, (uintptr_t)where, (uintptr_t)where + 4096);
    arena_give(a, &second);
    arena_destroy(a);
}

/* ----------------------------------------------------------------------------------- threads -- */

enum { THREADS = 8, SLOTS = 64, STEPS = 4000 };

/* Pieces that wait for any thread to look at them and give them back. */
typedef struct {
    arena *a;
    pthread_mutex_t lock;
    struct {
        arena_lease lease;
        size_t id, n;
    } slot[SLOTS];
    size_t wrong;
} exchange;

typedef struct {
    exchange *e;
    size_t number;
} worker;

static void *work(void *arg)
{
    const worker *w = arg;
    exchange *e = w->e;
    rng r = rng_for("arena");
    r.state += w->number;
    const size_t steps = run_share(STEPS, 10);
    for (size_t step = 0; step < steps; step++) {
        static const size_t sizes[] = {48, 768, 769, 4000, 20000};
        const size_t n = sizes[rng_below(&r, COUNT_OF(sizes))], id = w->number * STEPS + step;
        const size_t s = rng_below(&r, SLOTS);
        arena_lease lease;
        bool right = arena_take(e->a, n, 1, false, &lease);
        if (right) {
            fill(&lease, id, n);
            arena_filled(&lease);
        }
        (void)pthread_mutex_lock(&e->lock);
        arena_lease other = e->slot[s].lease;
        const size_t other_id = e->slot[s].id, other_n = e->slot[s].n;
        e->slot[s].lease = lease;
        e->slot[s].id = id;
        e->slot[s].n = n;
        (void)pthread_mutex_unlock(&e->lock);
        right = right && (other.bytes == NULL || holds(&other, other_id, other_n));
        arena_give(e->a, &other);
        if (!right) {
            (void)pthread_mutex_lock(&e->lock);
            e->wrong++;
            (void)pthread_mutex_unlock(&e->lock);
        }
    }
    return NULL;
}

static void threads_take_and_give(void **state)
{
    static exchange e = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t ids[THREADS];
    worker workers[THREADS];
    (void)state;
    e.a = arena_create();
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){&e, i};
        assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(ids[i], NULL), 0);
    assert_int_equal(e.wrong, 0);
    for (size_t s = 0; s < SLOTS; s++) {
        assert_true(e.slot[s].lease.bytes == NULL ||
                    holds(&e.slot[s].lease, e.slot[s].id, e.slot[s].n));
        arena_give(e.a, &e.slot[s].lease);
    }
    arena_destroy(e.a);
}

/* -------------------------------------------------------------------------------------- fork -- */

static arena_lease inherited[MANY];
static size_t n_inherited;

static void require(bool right)
{
    if (!right)
        _exit(1);
}

/* What the parent has made is there and can be given back; new leases are as good as the
 * parent's. */
static void use_in_child(arena *a, arena_lease *unused)
{
    static arena_lease own[2 * MANY];
    (void)unused;
    for (size_t i = 0; i <= n_inherited; i++)
        require(holds(&inherited[i], i, LEASE));
    for (size_t i = 0; i <= n_inherited; i += 2)
        arena_give(a, &inherited[i]);
    for (size_t i = 0; i < 2 * n_inherited; i++) {
        require(arena_take(a, 1, LEASE, i % 7 == 0, &own[i]));
        fill(&own[i], i + 5, LEASE);
        arena_filled(&own[i]);
    }
    for (size_t i = 0; i < 2 * n_inherited; i++)
        require(holds(&own[i], i + 5, LEASE));
    for (size_t i = 1; i <= n_inherited; i += 2) {
        require(holds(&inherited[i], i, LEASE));
        arena_give(a, &inherited[i]);
    }
    for (size_t i = 0; i < 2 * n_inherited; i++)
        arena_give(a, &own[i]);
    arena_destroy(a);
}

static void children_use_an_arena(void **state)
{
    arena *a = arena_create();
    (void)state;
    n_inherited = take_a_slab(a, inherited, MANY);
    assert_int_equal(ends_by(use_in_child, a, NULL), 0);
    for (size_t i = 0; i <= n_inherited; i++) {
        assert_true(holds(&inherited[i], i, LEASE));
        arena_give(a, &inherited[i]);
    }
    arena_destroy(a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(leases_of_every_size),
        cmocka_unit_test(products_that_overflow),
        cmocka_unit_test(writes_past_a_lease_end_the_process),
        cmocka_unit_test(own_pages_are_read_only),
        cmocka_unit_test(full_slabs_are_read_only),
        cmocka_unit_test(slabs_wait_for_open_leases),
        cmocka_unit_test(leases_up_to_the_limit_of_mappings),
        cmocka_unit_test(nothing_is_left_in_free_cells),
        cmocka_unit_test(nothing_is_left_in_own_pages),
        cmocka_unit_test(threads_take_and_give),
        cmocka_unit_test(children_use_an_arena),
    };
    if (!process_ready())
        return 1;
    return RUN_SUITE("arena", tests);
}
