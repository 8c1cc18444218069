/* Clients' updates, as lists of tuples, for one call of an aggregator. */
#ifndef PARSEAL_PYTHON_UPDATES_H
#define PARSEAL_PYTHON_UPDATES_H

#include "core.h" /* Python.h must be the first */

#include "parseal/aggregator.h"

enum { UPDATE_COLUMNS = 6 }; /* of parseal.Update */

typedef struct {
    held *keys;                        /* NULL: they are not sealed */
    PyObject *columns[UPDATE_COLUMNS]; /* tuples of n, or NULL */
    many payloads, aads;               /* begun where `values` is not NULL */
    parseal_update *rows;
    size_t n;
    uint64_t bytes; /* of all payloads and associated data */
} updates;

/* Takes a list of (client, update), or of parseal.Update where keys is not NULL. -1 with an
 * exception set; the caller releases, whatever is returned. */
int updates_take(core_state *state, updates *u, held *keys, PyObject *list);
void updates_release(updates *u);

/* The verdicts on them, as a list of strings. */
PyObject *updates_verdicts(const updates *u);

#endif
