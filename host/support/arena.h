/* Guarded memory for keys, seeds and whatever else is secret. Who takes memory from an arena has a
 * lease of it, until it is given back.
 *
 * Slabs. A slab is a block of libsodium's (sodium_malloc): it lies between pages that nobody may
 * touch, is locked as far as RLIMIT_MEMLOCK allows, and is left out of core dumps. Small leases are
 * its cells, all of one size. A large lease, and one that asks for it, has a slab of its own. Each
 * cell ends with a canary: who has changed it has written past a lease, and giving that one back
 * ends the process, as sodium_free does. A lease of a whole slab ends where its last page ends.
 *
 * Read-only. A slab of its own is read-only from arena_filled on. Cells share pages, so they become
 * read-only together: when all cells of a slab are taken and filled, and one more is wanted. (Not
 * earlier, so that a set that comes and goes where the last free cell is takes no system call.)
 * When one of them is given back the slab can be written again. It is always the whole slab whose
 * protection changes, never a part of it: that takes no further mapping, and so it cannot fail
 * where a process is at its limit of mappings.
 *
 * Wiping. Nothing is left in memory that has been given back. What is known about slabs and free
 * cells lies outside of them.
 *
 * Threads and fork. Any thread may take and give back at any time, in a child of fork, too. The
 * parent's leases are in the child as they were, but a child's memory is not locked: slabs are
 * locked again before new leases of them are handed out there. */
#ifndef PARSEAL_HOST_SUPPORT_ARENA_H
#define PARSEAL_HOST_SUPPORT_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct arena arena;
typedef struct arena_slab arena_slab;

typedef struct {
    void *bytes; /* begins at a multiple of ARENA_UNIT; NULL: there is no lease */
    size_t size; /* as asked for, rounded up to a multiple of ARENA_UNIT where it has own pages */
    bool locked; /* in memory, in the process that took it */
    bool filled;
    arena_slab *slab;
} arena_lease;

/* A cell has ARENA_CELL_MAX bytes at most, and a slab of cells ARENA_SLAB_MAX, or one page where
 * those are larger. For leases to come an arena keeps one slab without leases for each size of
 * cells, and of slabs of one lease the one that was given back last, if it has
 * ARENA_SPARE_MAX bytes at most. */
enum { ARENA_UNIT = 64, ARENA_CANARY = 16 };
enum { ARENA_CELL_MAX = 8 << 10, ARENA_SLAB_MAX = 64 << 10, ARENA_SPARE_MAX = 1 << 20 };

/* Returns an empty arena, or NULL. */
arena *arena_create(void);

/* All leases have been given back. NULL: nothing is done. */
void arena_destroy(arena *a);

/* Takes n * size > 0 bytes, with pages of its own if asked. Returns false when memory runs out or
 * the product overflows; *lease then has no bytes. What is in them is undefined. */
bool arena_take(arena *a, size_t n, size_t size, bool own_pages, arena_lease *lease);

/* Says that nothing will be written to the lease any more. */
void arena_filled(arena_lease *lease);

/* Wipes the lease and takes it back; afterwards *lease has no bytes. A lease without bytes: nothing
 * is done. */
void arena_give(arena *a, arena_lease *lease);

#endif
