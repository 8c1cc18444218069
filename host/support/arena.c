#include "host/support/arena.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/support/process.h"

/* Sizes of cells, in units: each up to 16, then eight to a doubling. */
enum { CELL_CLASSES = 40, OWN_PAGES = CELL_CLASSES };

struct arena_slab {
    arena_slab *next, *previous; /* in the list of its class, if it is there */
    uint8_t *bytes;              /* sodium_malloc's */
    size_t size, cell;           /* bytes of the slab and of each cell, its canary included */
    uint32_t class;
    uint32_t cells, n_free;
    uint32_t n_open; /* cells that are taken and not filled */
    bool locked, read_only;
    bool due;             /* to become read-only when no cell is open */
    uint64_t generation;  /* the process that `locked` is of */
    uint16_t free_cell[]; /* n_free indices */
};

typedef struct {
    arena_slab *first; /* slabs that have both leases and free cells */
    arena_slab *empty; /* a slab that has no lease; a second one would be released */
    arena_slab *full;  /* the latest to have lost its last free cell, unless it is read-only */
    size_t slabs;
} cell_class;

/* Everything but `canary` is under the process's lock, and so is what slabs of cells hold; a slab
 * of one lease is its owner's. */
struct arena {
    uint8_t canary[ARENA_CANARY];
    cell_class classes[CELL_CLASSES];
    arena_slab *spare; /* wiped, and not read-only */
};

/* ------------------------------------------------------------------------------------- slabs -- */

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static size_t page_size(void)
{
    const long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? (size_t)page : 4096;
}

/* Returns the least size of a slab of at least so many bytes. libsodium has a canary of its own
 * before them, and ends them where a page ends. */
static size_t slab_size(size_t bytes)
{
    return round_up(bytes + ARENA_UNIT, page_size()) - ARENA_UNIT;
}

/* Returns whether the pages before and after may be touched by nobody. Where a process is at its
 * limit of mappings they may: sodium_malloc does not look whether protecting them has failed. Doing
 * it again changes nothing where it has not. */
static bool is_guarded(uint8_t *bytes, size_t size)
{
    const size_t page = page_size();
    return sodium_mprotect_readwrite(bytes) == 0 && mprotect(bytes + size, page, PROT_NONE) == 0 &&
           mprotect(bytes - ARENA_UNIT - page, page, PROT_NONE) == 0;
}

static arena_slab *slab_create(size_t size, size_t cell, uint32_t class)
{
    const size_t cells = size / cell;
    arena_slab *slab = malloc(sizeof *slab + cells * sizeof slab->free_cell[0]);
    uint8_t *bytes = slab != NULL ? sodium_malloc(size) : NULL;
    if (bytes == NULL || !is_guarded(bytes, size)) {
        sodium_free(bytes);
        free(slab);
        return NULL;
    }
    *slab = (arena_slab){.bytes = bytes,
                         .size = size,
                         .cell = cell,
                         .class = class,
                         .cells = (uint32_t)cells,
                         .n_free = (uint32_t)cells,
                         .generation = process_generation()};
    for (size_t i = 0; i < cells; i++)
        slab->free_cell[i] = (uint16_t)i;
    /* sodium_malloc locks the pages if it can, and does not tell. The system does not count locked
     * pages twice, so locking them again fails only where sodium_malloc could not lock them. */
    slab->locked = sodium_mlock(bytes, size) == 0;
    return slab;
}

static void slab_destroy(arena_slab *slab)
{
    if (slab == NULL)
        return;
    sodium_free(slab->bytes);
    free(slab);
}

/* Locks the slab in a child of the process that made it: fork does not pass locks on. */
static void slab_belong_here(arena_slab *slab)
{
    if (slab->generation == process_generation())
        return;
    slab->locked = sodium_mlock(slab->bytes, slab->size) == 0;
    slab->generation = process_generation();
}

static void slab_protect(arena_slab *slab)
{
    slab->due = slab->n_open > 0;
    if (!slab->due)
        slab->read_only = sodium_mprotect_readonly(slab->bytes) == 0;
}

/* A slab is one mapping before and after, so this cannot fail for lack of mappings. If it failed
 * all the same, writing to the slab would end the process. */
static void slab_unprotect(arena_slab *slab)
{
    slab->due = false;
    if (slab->read_only)
        (void)sodium_mprotect_readwrite(slab->bytes);
    slab->read_only = false;
}

/* ----------------------------------------------------------------------------------- classes -- */

/* Returns the class of cells for leases of so many bytes, and stores their size. */
static uint32_t class_of(size_t size, size_t *cell)
{
    const size_t units = (size + ARENA_CANARY + ARENA_UNIT - 1) / ARENA_UNIT;
    size_t step = 1, below = 0;
    for (; units > 16 * step; step *= 2)
        below += 8;
    const size_t steps = (units + step - 1) / step;
    *cell = steps * step * ARENA_UNIT;
    return (uint32_t)(below + steps - 1);
}

static void list_insert(cell_class *c, arena_slab *slab)
{
    slab->previous = NULL;
    slab->next = c->first;
    if (c->first != NULL)
        c->first->previous = slab;
    c->first = slab;
}

static void list_remove(cell_class *c, arena_slab *slab)
{
    if (slab->previous != NULL)
        slab->previous->next = slab->next;
    else
        c->first = slab->next;
    if (slab->next != NULL)
        slab->next->previous = slab->previous;
}

/* Returns the size of the next slab: a class grows by doubling, so that a context with a few sets
 * does not use up what may be locked. */
static size_t next_slab_size(size_t slabs, size_t cell)
{
    size_t size = page_size();
    for (; slabs > 0 && size < ARENA_SLAB_MAX; slabs--)
        size *= 2;
    return slab_size(size - ARENA_UNIT > cell ? size - ARENA_UNIT : cell);
}

/* ------------------------------------------------------------------------------------- cells -- */

static uint8_t *cell_at(const arena_slab *slab, size_t index)
{
    return slab->bytes + slab->size - (slab->cells - index) * slab->cell;
}

static size_t cell_index(const arena_slab *slab, const void *bytes)
{
    const size_t before_end = (size_t)(slab->bytes + slab->size - (const uint8_t *)bytes);
    return slab->cells - before_end / slab->cell;
}

/* Takes a cell of a class that has a free one. */
static void *take_cell(cell_class *c, arena_lease *lease)
{
    if (c->first == NULL) {
        list_insert(c, c->empty);
        c->empty = NULL;
    }
    if (c->full != NULL)
        slab_protect(c->full);
    c->full = NULL;
    arena_slab *slab = c->first;
    slab_belong_here(slab);
    slab->n_open++;
    slab->n_free--;
    if (slab->n_free == 0) {
        list_remove(c, slab);
        c->full = slab;
    }
    lease->slab = slab;
    lease->locked = slab->locked;
    return cell_at(slab, slab->free_cell[slab->n_free]);
}

static bool take_from_class(arena *a, size_t size, arena_lease *lease)
{
    size_t cell;
    const uint32_t class = class_of(size, &cell);
    cell_class *c = &a->classes[class];
    process_lock();
    if (c->first == NULL && c->empty == NULL) {
        const size_t slabs = c->slabs;
        process_unlock(); /* Mapping pages takes a while. */
        arena_slab *slab = slab_create(next_slab_size(slabs, cell), cell, class);
        if (slab == NULL)
            return false;
        process_lock();
        list_insert(c, slab);
        c->slabs++;
    }
    lease->bytes = take_cell(c, lease);
    process_unlock();
    memcpy((uint8_t *)lease->bytes + cell - ARENA_CANARY, a->canary, ARENA_CANARY);
    return true;
}

/* Returns a slab that is to be released, or NULL. */
static arena_slab *give_cell(cell_class *c, arena_slab *slab, size_t index)
{
    slab->free_cell[slab->n_free++] = (uint16_t)index;
    if (c->full == slab)
        c->full = NULL;
    if (slab->n_free == 1)
        list_insert(c, slab);
    if (slab->n_free < slab->cells)
        return NULL;
    list_remove(c, slab);
    if (c->empty == NULL) {
        c->empty = slab;
        return NULL;
    }
    c->slabs--;
    return slab;
}

static void give_to_class(arena *a, const arena_lease *lease)
{
    arena_slab *slab = lease->slab;
    const size_t index = cell_index(slab, lease->bytes);
    uint8_t *cell = cell_at(slab, index);
    process_lock();
    slab_unprotect(slab);
    if (memcmp(cell + slab->cell - ARENA_CANARY, a->canary, ARENA_CANARY) != 0)
        sodium_misuse();
    sodium_memzero(cell, slab->cell);
    slab->n_open -= !lease->filled;
    arena_slab *released = give_cell(&a->classes[slab->class], slab, index);
    process_unlock();
    slab_destroy(released);
}

/* --------------------------------------------------------------------------------- own pages -- */

/* The spare is taken unless more than half of it would lie idle. */
static arena_slab *take_spare(arena *a, size_t size)
{
    arena_slab *spare = NULL;
    process_lock();
    if (a->spare != NULL && a->spare->size >= size && a->spare->size / 2 <= size) {
        spare = a->spare;
        a->spare = NULL;
        slab_belong_here(spare);
    }
    process_unlock();
    return spare;
}

static bool take_own_pages(arena *a, size_t size, arena_lease *lease)
{
    const size_t rounded = round_up(size, ARENA_UNIT), whole = slab_size(rounded);
    arena_slab *slab = take_spare(a, whole);
    if (slab == NULL)
        slab = slab_create(whole, whole, OWN_PAGES);
    if (slab == NULL)
        return false;
    *lease = (arena_lease){.bytes = slab->bytes + slab->size - rounded,
                           .size = rounded,
                           .locked = slab->locked,
                           .slab = slab};
    return true;
}

static void give_own_pages(arena *a, const arena_lease *lease)
{
    arena_slab *released = lease->slab;
    if (released->size <= ARENA_SPARE_MAX) {
        slab_unprotect(released);
        sodium_memzero(lease->bytes, lease->size);
        process_lock();
        arena_slab *spare = a->spare;
        a->spare = released;
        process_unlock();
        released = spare;
    }
    slab_destroy(released); /* This wipes, too. */
}

/* ------------------------------------------------------------------------------------- arena -- */

arena *arena_create(void)
{
    arena *a = process_ready() ? calloc(1, sizeof *a) : NULL;
    if (a != NULL)
        randombytes_buf(a->canary, sizeof a->canary);
    return a;
}

void arena_destroy(arena *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < CELL_CLASSES; i++)
        slab_destroy(a->classes[i].empty);
    slab_destroy(a->spare);
    free(a);
}

bool arena_take(arena *a, size_t n, size_t size, bool own_pages, arena_lease *lease)
{
    *lease = (arena_lease){.size = 0};
    if (n > SIZE_MAX / 2 / size)
        return false;
    if (own_pages || n * size > ARENA_CELL_MAX - ARENA_CANARY)
        return take_own_pages(a, n * size, lease);
    lease->size = n * size;
    return take_from_class(a, n * size, lease);
}

void arena_filled(arena_lease *lease)
{
    arena_slab *slab = lease->slab;
    lease->filled = true;
    if (slab->class == OWN_PAGES) {
        slab_protect(slab);
        return;
    }
    process_lock();
    slab->n_open--;
    if (slab->due)
        slab_protect(slab);
    process_unlock();
}

void arena_give(arena *a, arena_lease *lease)
{
    if (lease->bytes == NULL)
        return;
    if (lease->slab->class == OWN_PAGES)
        give_own_pages(a, lease);
    else
        give_to_class(a, lease);
    *lease = (arena_lease){.size = 0};
}
