/* Guarded memory for keys, seeds and whatever else is secret, many pieces to a slab.
 *
 * A slab is a block of libsodium's (sodium_malloc): it lies between pages that nobody may touch, is
 * locked as far as RLIMIT_MEMLOCK allows, and is left out of core dumps. Small pieces are its
 * cells, all of one size; a large piece, and a piece that asks for it, has a slab of its own. Each
 * piece ends with bytes that nobody writes, or at the end of its slab; who has written there has
 * written past a piece, and giving that one back ends the process, as sodium_free does.
 *
 * Read-only memory. A slab of its own is read-only from arena_filled on. Cells share pages, so they
 * become read-only together: once all of a slab's cells are taken and filled, and a piece is taken
 * that no longer fits. (Not earlier, so that one piece that comes and goes where the last free cell
 * is takes no system call.) When one of them is given back the slab can be written again. It is
 * always the whole slab whose protection changes, never a part of it: that needs no mapping more,
 * and so cannot fail where a process is at its limit of mappings.
 *
 * Nothing of a piece is left when it has been given back. What is known about slabs and free cells
 * lies outside of them.
 *
 * Any thread may take and give back at any time, in a child of fork, too: pieces of the parent's
 * are in the child as they were, but that a child's memory is not locked, which is made up for
 * before new pieces are handed out there. */
#ifndef PARSEAL_HOST_SUPPORT_ARENA_H
#define PARSEAL_HOST_SUPPORT_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct arena arena;
typedef struct arena_slab arena_slab;

typedef struct {
    void *bytes; /* begins at a multiple of ARENA_UNIT; NULL: there is no piece */
    size_t size; /* as asked for, rounded up to a multiple of ARENA_UNIT where it has own pages */
    bool locked; /* in memory, in the process that took it */
    bool filled;
    arena_slab *slab;
} arena_piece;

/* A cell has ARENA_CELL_MAX bytes at most, and a slab of cells ARENA_SLAB_MAX (or one page, where
 * those are larger). Of slabs that only one piece had, the latest is kept for the next one, up to
 * ARENA_SPARE_MAX bytes. */
enum { ARENA_UNIT = 64, ARENA_CANARY = 16 };
enum { ARENA_CELL_MAX = 8 << 10, ARENA_SLAB_MAX = 64 << 10, ARENA_SPARE_MAX = 1 << 20 };

/* Returns an empty arena, or NULL. */
arena *arena_create(void);

/* All pieces have been given back. NULL: nothing is done. */
void arena_destroy(arena *a);

/* Takes n * size > 0 bytes, with pages of its own if asked. Returns false when memory runs out or
 * the product overflows; *piece then has no bytes. What is in them is undefined. */
bool arena_take(arena *a, size_t n, size_t size, bool own_pages, arena_piece *piece);

/* Says that nothing will be written to the piece any more. */
void arena_filled(arena_piece *piece);

/* Wipes the piece and takes it back; afterwards *piece has no bytes. A piece without bytes: nothing
 * is done. */
void arena_give(arena *a, arena_piece *piece);

#endif
