/* Overlaps among many ranges, against looking at every pair and every byte. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/support/ranges.h"
#include "rng.h"
#include "run.h"

enum { SPACE = 64, RANGES = 6 };

typedef struct {
    uint64_t begin, size;
} plain;

static void random_plain(rng *r, plain *list, size_t n, uint64_t size_max)
{
    for (size_t i = 0; i < n; i++) {
        list[i].size = rng_range(r, 0, size_max);
        list[i].begin = rng_below(r, SPACE - list[i].size);
    }
}

static bool overlap(const plain *a, const plain *b)
{
    for (uint64_t k = a->begin; k < a->begin + a->size; k++)
        if (k >= b->begin && k < b->begin + b->size)
            return true;
    return false;
}

static bool conflict(const plain *written, size_t n_written, const plain *read, size_t n_read)
{
    for (size_t i = 0; i < n_written; i++) {
        for (size_t k = 0; k < n_written; k++)
            if (i != k && overlap(&written[i], &written[k]))
                return true;
        for (size_t k = 0; k < n_read; k++)
            if (overlap(&written[i], &read[k]))
                return true;
    }
    return false;
}

static range_set collect(range *list, const plain *from, size_t n, size_t base)
{
    range_set set = {list, 0, true};
    for (size_t i = 0; i < n; i++)
        ranges_add(&set, from[i].begin, from[i].size, base + i);
    return set;
}

/* The items that are named really do overlap, and the first is one that is written. */
static void check_named(const plain *written, const plain *read, size_t a, size_t b)
{
    assert_true(a < RANGES);
    assert_true(overlap(&written[a], b < RANGES ? &written[b] : &read[b - RANGES]));
}

static void random_ranges(void **state)
{
    (void)state;
    rng r = rng_for("ranges");
    size_t conflicts = 0;
    const size_t rounds = 200000;
    for (size_t round = 0; round < rounds; round++) {
        plain written[RANGES], read[RANGES];
        range lists[2][RANGES];
        size_t n_written = (size_t)rng_range(&r, 0, RANGES);
        size_t n_read = (size_t)rng_range(&r, 0, RANGES);
        size_t a = 0;
        size_t b = 0;
        random_plain(&r, written, n_written, 1 + round % 8);
        random_plain(&r, read, n_read, 1 + round % 20);
        range_set w = collect(lists[0], written, n_written, 0);
        range_set d = collect(lists[1], read, n_read, RANGES);
        bool want = conflict(written, n_written, read, n_read);
        assert_int_equal(ranges_conflict(&w, &d, &a, &b), want);
        if (want)
            check_named(written, read, a, b);
        conflicts += want ? 1 : 0;
    }
    assert_in_range(conflicts, rounds / 10, rounds / 10 * 9); /* both answers were tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_ranges)};
    return RUN_SUITE("ranges", tests);
}
