/* The clients that an aggregator has counted: a set of 64-bit numbers. */
#ifndef PARSEAL_HOST_AGGREGATE_CLIENT_SET_H
#define PARSEAL_HOST_AGGREGATE_CLIENT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of all zeros is empty. */
typedef struct {
    uint64_t *slot;
    bool *taken;
    size_t n, room;  /* room: slots, a power of two, or 0 */
    uint64_t secret; /* it keeps others from choosing numbers that collide */
} client_set;

void client_set_free(client_set *set);
void client_set_clear(client_set *set); /* keeps the room */
bool client_set_has(const client_set *set, uint64_t client);

/* Makes room for `more` clients. Returns false where memory is short. */
bool client_set_reserve(client_set *set, size_t more);

/* Adds a client, for which there must be room. Returns false where the set has it already. */
bool client_set_add(client_set *set, uint64_t client);

/* Writes all n clients, in rising order. */
void client_set_list(const client_set *set, uint64_t *list);

#endif
