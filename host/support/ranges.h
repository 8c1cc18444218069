/* Finds overlaps among many memory ranges: written ranges against all others. */
#ifndef PARSEAL_HOST_SUPPORT_RANGES_H
#define PARSEAL_HOST_SUPPORT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes [begin, end) that belong to item `item` of a batch. */
typedef struct {
    uint64_t begin, end;
    size_t item;
} range;

/* Ranges of one kind, collected in any order. */
typedef struct {
    range *list;
    size_t n;
    bool sorted;
} range_set;

/* Adds a range unless it is empty. The list must have room. */
void ranges_add(range_set *set, uint64_t begin, uint64_t size, size_t item);

/* Returns true, and fills the two items, when a range of `written` overlaps another one of
 * `written` or one of `read`. It sorts both sets, and takes O(n) where the ranges were added in the
 * order of their addresses, else O(n log n). */
bool ranges_conflict(range_set *written, range_set *read, size_t *written_item, size_t *other_item);

#endif
