#include "host/support/ranges.h"

#include <stdlib.h>

void ranges_add(range_set *set, uint64_t begin, uint64_t size, size_t item)
{
    if (size == 0)
        return;
    if (set->n > 0 && begin < set->list[set->n - 1].begin)
        set->sorted = false;
    set->list[set->n++] = (range){begin, begin + size, item};
}

static int by_begin(const void *a, const void *b)
{
    const uint64_t x = ((const range *)a)->begin, y = ((const range *)b)->begin;
    return (x > y) - (x < y);
}

static void sort(range_set *set)
{
    if (!set->sorted)
        qsort(set->list, set->n, sizeof *set->list, by_begin);
    set->sorted = true;
}

/* Walks both sets by address. A range conflicts with an earlier one when it begins before that
 * one's end; the earlier range that reaches furthest is enough to know. */
bool ranges_conflict(range_set *written, range_set *read, size_t *written_item, size_t *other_item)
{
    static const range nothing = {0, 0, 0};
    const range *last_written = &nothing, *last_read = &nothing;
    sort(written);
    sort(read);
    for (size_t w = 0, r = 0; w < written->n || r < read->n;) {
        const bool is_write =
            r == read->n || (w < written->n && written->list[w].begin <= read->list[r].begin);
        const range *next = is_write ? &written->list[w++] : &read->list[r++];
        const range *conflict = next->begin < last_written->end ? last_written : NULL;
        if (conflict == NULL && is_write && next->begin < last_read->end)
            conflict = last_read;
        if (conflict != NULL) {
            *written_item = is_write ? next->item : conflict->item;
            *other_item = is_write ? conflict->item : next->item;
            return true;
        }
        const range **last = is_write ? &last_written : &last_read;
        if (next->end > (*last)->end)
            *last = next;
    }
    return false;
}
