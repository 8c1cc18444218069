#include "guard.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#define CANARY 0x5c

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static uint8_t *pages(const guard_buf *g)
{
    return g->map + page_size();
}

void guard_open(guard_buf *g, size_t capacity)
{
    size_t page = page_size();
    size_t whole = (capacity + page - 1) / page * page;
    *g = (guard_buf){.capacity = whole != 0 ? whole : page};
    g->map = mmap(NULL, g->capacity + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                  -1, 0);
    assert_true(g->map != MAP_FAILED);
    assert_int_equal(mprotect(g->map, page, PROT_NONE), 0);
    assert_int_equal(mprotect(pages(g) + g->capacity, page, PROT_NONE), 0);
}

void guard_close(guard_buf *g)
{
    assert_int_equal(munmap(g->map, g->capacity + 2 * page_size()), 0);
    *g = (guard_buf){0};
}

uint8_t *guard_place(guard_buf *g, guard_side side, size_t size, size_t gap)
{
    assert_true(size <= g->capacity && gap <= g->capacity - size);
    assert_int_equal(mprotect(pages(g), g->capacity, PROT_READ | PROT_WRITE), 0);
    memset(pages(g), CANARY, g->capacity);
    g->p = side == GUARD_BEFORE ? pages(g) + gap : pages(g) + g->capacity - size - gap;
    g->size = size;
    return g->p;
}

void *guard_place_aligned(guard_buf *g, guard_side side, size_t size, size_t alignment)
{
    size_t gap = side == GUARD_AFTER ? (alignment - size % alignment) % alignment : 0;
    return guard_place(g, side, size, gap);
}

void *guard_copy(guard_buf *g, guard_side side, const void *from, size_t size, size_t alignment)
{
    void *p = guard_place_aligned(g, side, size, alignment);
    if (size != 0)
        memcpy(p, from, size);
    guard_readonly(g);
    return p;
}

void guard_readonly(guard_buf *g)
{
    assert_int_equal(mprotect(pages(g), g->capacity, PROT_READ), 0);
}

void guard_check(const guard_buf *g)
{
    const uint8_t *end = pages(g) + g->capacity;
    for (const uint8_t *at = pages(g); at < end; at++) {
        if (at == g->p)
            at += g->size;
        if (at < end && *at != CANARY)
            fail_msg("byte %td of a guarded buffer of %zu bytes was written", at - g->p, g->size);
    }
}
