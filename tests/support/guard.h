/* Buffers between two pages that may not be touched, so that an access one byte outside faults. */
#ifndef PARSEAL_TESTS_GUARD_H
#define PARSEAL_TESTS_GUARD_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *map; /* guard page, capacity bytes, guard page */
    size_t capacity;
    uint8_t *p; /* the buffer placed last */
    size_t size;
} guard_buf;

/* A buffer lies directly after the first guard page, or ends at the last one. */
typedef enum { GUARD_BEFORE = 0, GUARD_AFTER = 1, GUARD_SIDES = 2 } guard_side;

/* The capacity is rounded up to whole pages. */
void guard_open(guard_buf *g, size_t capacity);
void guard_close(guard_buf *g);

/* Places a buffer of `size` bytes, `gap` bytes away from the guard page. The bytes around it, up to
 * the guard pages, are a canary. The pages become writable. */
uint8_t *guard_place(guard_buf *g, guard_side side, size_t size, size_t gap);

/* Does guard_place for something that is to be aligned: on the GUARD_AFTER side the gap is what the
 * alignment leaves. */
void *guard_place_aligned(guard_buf *g, guard_side side, size_t size, size_t alignment);

/* Places a copy of `from` by guard_place_aligned. The call under test may read it, not write. */
void *guard_copy(guard_buf *g, guard_side side, const void *from, size_t size, size_t alignment);

/* After this the buffer may be read, but not written. */
void guard_readonly(guard_buf *g);

/* Fails the test if a byte around the buffer has changed. */
void guard_check(const guard_buf *g);

#endif
