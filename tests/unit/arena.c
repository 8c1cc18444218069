/* The arena of guarded memory: pieces of every size, what happens past their ends, when they become
 * read-only, what is left of them, many threads, and children of fork. */
#include "host/support/arena.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "host/support/process.h"
#include "rng.h"
#include "run.h"

/* ------------------------------------------------------------------------------------ children -- */

typedef void (*deed)(arena *a, arena_piece *piece);

/* Returns the signal that ends a child which does it, 0 for none. */
static int ends_by(deed act, arena *a, arena_piece *piece)
{
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGSEGV, SIG_DFL);
        (void)signal(SIGBUS, SIG_DFL);
        (void)signal(SIGABRT, SIG_DFL);
        act(a, piece);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status)) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return 0;
    }
    return WTERMSIG(status) == SIGBUS ? SIGSEGV : WTERMSIG(status);
}

static void write_first(arena *a, arena_piece *piece)
{
    (void)a;
    *(volatile uint8_t *)piece->bytes = 1;
}

static void read_first(arena *a, arena_piece *piece)
{
    (void)a;
    (void)*(volatile uint8_t *)piece->bytes;
}

/* Loops that run on and on, until they are stopped. */
static void read_past_all(arena *a, arena_piece *piece)
{
    (void)a;
    for (volatile uint8_t *p = piece->bytes;; p++)
        (void)*p;
}

static void write_past_all(arena *a, arena_piece *piece)
{
    (void)a;
    for (volatile uint8_t *p = piece->bytes;; p++)
        *p = 1;
}

static void write_before_all(arena *a, arena_piece *piece)
{
    (void)a;
    for (volatile uint8_t *p = piece->bytes;; p--)
        *p = 1;
}

static void write_after_and_give(arena *a, arena_piece *piece)
{
    ((volatile uint8_t *)piece
         ->bytes)[(piece->size + ARENA_CANARY + ARENA_UNIT - 1) / ARENA_UNIT * ARENA_UNIT - 1] ^= 1;
    arena_give(a, piece);
}

/* --------------------------------------------------------------------------------------- sizes -- */

static uint8_t byte_of(size_t id, size_t i)
{
    return (uint8_t)(id * 37 + i * 11 + (i >> 8) + 1);
}

static void fill(const arena_piece *piece, size_t id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)piece->bytes)[i] = byte_of(id, i);
}

static bool holds(const arena_piece *piece, size_t id, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const uint8_t *)piece->bytes)[i] != byte_of(id, i))
            return false;
    return true;
}

/* Each size several times at once, with another beside it, so that a piece that overlaps another
 * would show. */
static void pieces_of_every_size(void **state)
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
            arena_piece pieces[AT_ONCE];
            const size_t n = size > ARENA_SLAB_MAX ? 2 : AT_ONCE;
            for (size_t k = 0; k < n; k++) {
                assert_true(arena_take(a, size, 1, k % 5 == 1, &pieces[k]));
                assert_int_equal((uintptr_t)pieces[k].bytes % ARENA_UNIT, 0);
                assert_true(pieces[k].size >= size);
                fill(&pieces[k], k, size);
                if (k % 3 != 0)
                    arena_filled(&pieces[k]);
            }
            for (size_t k = 0; k < n; k++)
                if (!holds(&pieces[k], k, size))
                    fail_msg("piece %zu of %zu bytes has changed", k, size);
            for (size_t k = 0; k < n; k++) {
                arena_give(a, &pieces[k]);
                assert_null(pieces[k].bytes);
                arena_give(a, &pieces[k]); /* Now there is nothing to give. */
            }
        }
    arena_destroy(a);
    arena_destroy(NULL);
}

static void products_that_overflow(void **state)
{
    arena *a = arena_create();
    arena_piece piece;
    (void)state;
    static const size_t n[] = {SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 64 + 1};
    for (size_t i = 0; i < COUNT_OF(n); i++) {
        memset(&piece, UNTOUCHED, sizeof piece);
        assert_false(arena_take(a, n[i], 64, i % 2 == 0, &piece));
        assert_null(piece.bytes);
        arena_give(a, &piece);
    }
    arena_destroy(a);
}

/* -------------------------------------------------------------------------------------- guards -- */

/* The bytes just behind a piece are noticed when it is given back; a write that runs on, in either
 * direction, comes to pages that nobody may touch. */
static void writes_past_a_piece_end_the_process(void **state)
{
    static const size_t sizes[] = {1, 48, 112, 768, 4096, 9000, 70000};
    arena *a = arena_create();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        arena_piece piece;
        const bool cell = sizes[i] <= ARENA_CELL_MAX - ARENA_CANARY;
        assert_true(arena_take(a, sizes[i], 1, false, &piece));
        assert_int_equal(ends_by(read_first, a, &piece), 0);
        assert_int_equal(ends_by(write_first, a, &piece), 0);
        assert_int_equal(ends_by(write_past_all, a, &piece), SIGSEGV);
        assert_int_equal(ends_by(write_before_all, a, &piece), SIGSEGV);
        if (cell && sizes[i] <= 1024) /* Larger cells have sizes that are rounded up further. */
            assert_int_equal(ends_by(write_after_and_give, a, &piece), SIGABRT);
        fill(&piece, i, sizes[i]);
        arena_give(a, &piece);
    }
    arena_destroy(a);
}

/* ----------------------------------------------------------------------------------- read-only -- */

static void own_pages_are_read_only(void **state)
{
    static const size_t sizes[] = {48, 4096, 100000, 3000000};
    arena *a = arena_create();
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (int again = 0; again < 3; again++) { /* The pages are used again, and are writable. */
            arena_piece piece;
            assert_true(arena_take(a, sizes[i], 1, true, &piece));
            fill(&piece, i, sizes[i]);
            arena_filled(&piece);
            assert_int_equal(ends_by(read_first, a, &piece), 0);
            assert_int_equal(ends_by(write_first, a, &piece), SIGSEGV);
            assert_true(holds(&piece, i, sizes[i]));
            arena_give(a, &piece);
        }
    arena_destroy(a);
}

enum { MANY = 2000, PIECE = 768 };

/* Takes pieces until one is in another slab than the first, and returns how many share the first
 * one's. All are filled but the `open`-th. */
static size_t take_a_slab(arena *a, arena_piece *pieces, size_t open)
{
    size_t n = 0;
    do {
        assert_true(n < MANY);
        assert_true(arena_take(a, 1, PIECE, false, &pieces[n]));
        fill(&pieces[n], n, PIECE);
        if (n != open)
            arena_filled(&pieces[n]);
    } while (pieces[n++].slab == pieces[0].slab);
    return n - 1;
}

static void full_slabs_are_read_only(void **state)
{
    static arena_piece pieces[MANY];
    arena *a = arena_create();
    (void)state;
    const size_t n = take_a_slab(a, pieces, MANY);
    assert_true(n >= 2);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(ends_by(write_first, a, &pieces[i]), SIGSEGV);
    assert_int_equal(ends_by(write_first, a, &pieces[n]), 0);

    /* One is given back: the others can be read, and the slab written; and again. */
    for (int again = 0; again < 2; again++) {
        arena_give(a, &pieces[1]);
        for (size_t i = 0; i <= n; i++)
            assert_true(i == 1 || holds(&pieces[i], i, PIECE));
        assert_int_equal(ends_by(write_first, a, &pieces[0]), 0);
        assert_true(arena_take(a, 1, PIECE, false, &pieces[1]));
        assert_ptr_equal(pieces[1].slab, pieces[0].slab);
        fill(&pieces[1], 1, PIECE);
        arena_filled(&pieces[1]);
    }
    for (size_t i = 0; i <= n; i++)
        arena_give(a, &pieces[i]);
    arena_destroy(a);
}

/* As long as one piece is not filled, none of its slab is read-only. */
static void slabs_wait_for_open_pieces(void **state)
{
    static arena_piece pieces[MANY];
    arena *a = arena_create();
    (void)state;
    const size_t n = take_a_slab(a, pieces, 1);
    assert_true(n >= 2);
    assert_int_equal(ends_by(write_first, a, &pieces[0]), 0);
    assert_int_equal(ends_by(write_first, a, &pieces[1]), 0);
    arena_filled(&pieces[1]);
    assert_int_equal(ends_by(write_first, a, &pieces[0]), SIGSEGV);
    assert_int_equal(ends_by(write_first, a, &pieces[1]), SIGSEGV);

    /* One is given back that was never filled: it is not waited for. */
    arena_piece others[2];
    arena_give(a, &pieces[1]);
    assert_true(arena_take(a, 1, PIECE, false, &pieces[1]));
    arena_give(a, &pieces[1]);
    assert_true(arena_take(a, 1, PIECE, false, &pieces[1]));
    assert_ptr_equal(pieces[1].slab, pieces[0].slab);
    arena_filled(&pieces[1]);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_true(arena_take(a, 1, PIECE, false, &others[i]));
    assert_int_equal(ends_by(write_first, a, &pieces[0]), SIGSEGV);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        arena_give(a, &others[i]);
    for (size_t i = 0; i <= n; i++)
        arena_give(a, &pieces[i]);
    arena_destroy(a);
}

/* ---------------------------------------------------------------------- the limit of mappings -- */

/* At its limit a process gets no piece, rather than one without guards. */
static void pieces_up_to_the_limit_of_mappings(void **state)
{
    enum { MOST = 20000, SIZE = 100 };
    static arena_piece pieces[MOST];
    arena *a = arena_create();
    arena_piece shared;
    (void)state;
    const size_t most = run_share(MOST, 20);
    size_t n = 0;
    while (n < most && arena_take(a, 1, SIZE, true, &pieces[n])) {
        fill(&pieces[n], n, SIZE);
        arena_filled(&pieces[n]);
        n++;
    }
    assert_true(n > 0);
    for (size_t i = 0; i<n; i += n> 1 ? n - 1 : 1) {
        assert_int_equal(ends_by(read_past_all, a, &pieces[i]), SIGSEGV);
        assert_int_equal(ends_by(write_first, a, &pieces[i]), SIGSEGV);
    }
    for (size_t i = 0; i < n; i++) {
        assert_true(holds(&pieces[i], i, SIZE));
        arena_give(a, &pieces[i]);
    }
    assert_true(arena_take(a, 1, SIZE, false, &shared));
    arena_give(a, &shared);
    arena_destroy(a);
    if (n == most)
        skip(); /* This system lets a process have more. */
}

/* ---------------------------------------------------------------------------------- what is left -- */

static void nothing_is_left_in_free_cells(void **state)
{
    static arena_piece pieces[MANY];
    static uint8_t *where[MANY];
    arena *a = arena_create();
    (void)state;
    const size_t n = take_a_slab(a, pieces, MANY);
    for (size_t i = 0; i <= n; i++)
        where[i] = pieces[i].bytes;
    for (size_t i = 1; i <= n; i++) /* The first stays, and with it the slab. */
        arena_give(a, &pieces[i]);
    for (size_t i = 1; i < n; i++)
        assert_filled(where[i], PIECE + ARENA_CANARY, 0);
    arena_give(a, &pieces[0]);
    arena_destroy(a);
}

static void nothing_is_left_in_own_pages(void **state)
{
    arena *a = arena_create();
    arena_piece piece, second;
    (void)state;
    assert_true(arena_take(a, 20000, 1, false, &piece));
    fill(&piece, 1, 20000);
    arena_filled(&piece);
    const uint8_t *where = piece.bytes;
    arena_give(a, &piece);
    assert_filled(where, 20000, 0); /* It is kept for the next one. */
    assert_true(arena_take(a, 19000, 1, false, &second));
    assert_in_range((uintptr_t)second.bytes, (uintptr_t)where, (uintptr_t)where + 4096);
    arena_give(a, &second);
    arena_destroy(a);
}

/* --------------------------------------------------------------------------------------- threads -- */

enum { THREADS = 8, SLOTS = 64, STEPS = 4000 };

/* Pieces that wait for any thread to look at them and give them back. */
typedef struct {
    arena *a;
    pthread_mutex_t lock;
    struct {
        arena_piece piece;
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
        arena_piece piece;
        bool right = arena_take(e->a, n, 1, false, &piece);
        if (right) {
            fill(&piece, id, n);
            arena_filled(&piece);
        }
        (void)pthread_mutex_lock(&e->lock);
        arena_piece other = e->slot[s].piece;
        const size_t other_id = e->slot[s].id, other_n = e->slot[s].n;
        e->slot[s].piece = piece;
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
        assert_true(e.slot[s].piece.bytes == NULL ||
                    holds(&e.slot[s].piece, e.slot[s].id, e.slot[s].n));
        arena_give(e.a, &e.slot[s].piece);
    }
    arena_destroy(e.a);
}

/* ------------------------------------------------------------------------------------------ fork -- */

static arena_piece inherited[MANY];
static size_t n_inherited;

static void require(bool right)
{
    if (!right)
        _exit(1);
}

/* What the parent has made is there and can be given back; new pieces are as good as the
 * parent's. */
static void use_in_child(arena *a, arena_piece *unused)
{
    static arena_piece own[2 * MANY];
    (void)unused;
    for (size_t i = 0; i <= n_inherited; i++)
        require(holds(&inherited[i], i, PIECE));
    for (size_t i = 0; i <= n_inherited; i += 2)
        arena_give(a, &inherited[i]);
    for (size_t i = 0; i < 2 * n_inherited; i++) {
        require(arena_take(a, 1, PIECE, i % 7 == 0, &own[i]));
        fill(&own[i], i + 5, PIECE);
        arena_filled(&own[i]);
    }
    for (size_t i = 0; i < 2 * n_inherited; i++)
        require(holds(&own[i], i + 5, PIECE));
    for (size_t i = 1; i <= n_inherited; i += 2) {
        require(holds(&inherited[i], i, PIECE));
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
        assert_true(holds(&inherited[i], i, PIECE));
        arena_give(a, &inherited[i]);
    }
    arena_destroy(a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_every_size),
        cmocka_unit_test(products_that_overflow),
        cmocka_unit_test(writes_past_a_piece_end_the_process),
        cmocka_unit_test(own_pages_are_read_only),
        cmocka_unit_test(full_slabs_are_read_only),
        cmocka_unit_test(slabs_wait_for_open_pieces),
        cmocka_unit_test(pieces_up_to_the_limit_of_mappings),
        cmocka_unit_test(nothing_is_left_in_free_cells),
        cmocka_unit_test(nothing_is_left_in_own_pages),
        cmocka_unit_test(threads_take_and_give),
        cmocka_unit_test(children_use_an_arena),
    };
    if (!process_ready())
        return 1;
    return RUN_SUITE("arena", tests);
}
