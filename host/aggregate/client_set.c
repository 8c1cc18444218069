#include "host/aggregate/client_set.h"

#include <sodium.h>
#include <stdlib.h>

enum { ROOM_MIN = 64 };

void client_set_free(client_set *set)
{
    free(set->slot);
    free(set->taken);
    *set = (client_set){0};
}

void client_set_clear(client_set *set)
{
    for (size_t i = 0; i < set->room; i++)
        set->taken[i] = false;
    set->n = 0;
}

/* The finaliser of Steele, Lea and Flood's SplitMix: every bit of the result depends on every bit
 * of x. */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Returns the client's slot or, where it is not in the set, the free slot that it would take. */
static size_t find(const client_set *set, uint64_t client)
{
    size_t at = (size_t)mixed(mixed(client ^ set->secret) + set->secret) & (set->room - 1);
    while (set->taken[at] && set->slot[at] != client)
        at = (at + 1) & (set->room - 1);
    return at;
}

bool client_set_has(const client_set *set, uint64_t client)
{
    return set->room > 0 && set->taken[find(set, client)];
}

bool client_set_add(client_set *set, uint64_t client)
{
    const size_t at = find(set, client);
    if (set->taken[at])
        return false;
    set->taken[at] = true;
    set->slot[at] = client;
    set->n++;
    return true;
}

/* At most half of the slots are ever taken, which keeps searches short. */
bool client_set_reserve(client_set *set, size_t more)
{
    client_set larger = {.room = ROOM_MIN};
    if (more > SIZE_MAX / 4 / sizeof *set->slot - set->n)
        return false;
    while (larger.room / 2 < set->n + more)
        larger.room *= 2;
    if (larger.room <= set->room)
        return true;
    larger.slot = calloc(larger.room, sizeof *larger.slot);
    larger.taken = calloc(larger.room, sizeof *larger.taken);
    if (larger.slot == NULL || larger.taken == NULL) {
        client_set_free(&larger);
        return false;
    }
    randombytes_buf(&larger.secret, sizeof larger.secret);
    for (size_t i = 0; i < set->room; i++)
        if (set->taken[i])
            (void)client_set_add(&larger, set->slot[i]);
    client_set_free(set);
    *set = larger;
    return true;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void client_set_list(const client_set *set, uint64_t *list)
{
    size_t n = 0;
    for (size_t i = 0; i < set->room; i++)
        if (set->taken[i])
            list[n++] = set->slot[i];
    qsort(list, n, sizeof *list, compare);
}
