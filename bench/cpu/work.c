#include "bench/cpu/work.h"

#include "bench/cpu/support.h"

#include <string.h>

/* The pattern 0x5a5a... is below every modulus that is measured. */
enum { PATTERN = 0x5a };

bool work_prepare(struct work *w)
{
    w->calls = w->op->single ? w->n : 1;
    if (w->op->family->prepare(w))
        return true;
    work_release(w);
    return false;
}

void work_release(struct work *w)
{
    w->op->family->release(w);
    memset(&w->data, 0, sizeof w->data);
    memset(w->result, 0, sizeof w->result);
}

typedef bool visit_fn(uint8_t *piece, uint8_t *saved, size_t size);

/* Calls visit for each piece of the results; `saved` moves along, where it is not NULL. */
static bool for_each_piece(const struct work *w, uint8_t *saved, visit_fn *visit)
{
    for (size_t r = 0; r < sizeof w->result / sizeof w->result[0]; r++) {
        const struct region *region = &w->result[r];
        for (size_t i = 0; i < region->count; i++) {
            if (!visit(region->first + i * region->stride, saved, region->size))
                return false;
            if (saved != NULL)
                saved += region->size;
        }
    }
    return true;
}

static bool reset_piece(uint8_t *piece, uint8_t *saved, size_t size)
{
    (void)saved;
    memset(piece, PATTERN, size);
    return true;
}

static bool save_piece(uint8_t *piece, uint8_t *saved, size_t size)
{
    memcpy(saved, piece, size);
    return true;
}

static bool same_piece(uint8_t *piece, uint8_t *saved, size_t size)
{
    return memcmp(piece, saved, size) == 0;
}

void work_reset_results(struct work *w)
{
    for_each_piece(w, NULL, reset_piece);
}

uint8_t *work_save_results(const struct work *w)
{
    size_t total = 0;
    for (size_t r = 0; r < sizeof w->result / sizeof w->result[0]; r++)
        total += w->result[r].size * w->result[r].count;
    uint8_t *saved = bench_alloc(total, 1);
    if (saved != NULL)
        for_each_piece(w, saved, save_piece);
    return saved;
}

bool work_same_results(const struct work *w, uint8_t *saved)
{
    return for_each_piece(w, saved, same_piece);
}
