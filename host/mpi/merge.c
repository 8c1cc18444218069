/* One aggregator is made of the ranks' partial ones, which meet as exports: first their clients,
 * and then, once all ranks know that no client is there twice, their sums. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "host/aggregate/format.h"
#include "host/mpi/ranks.h"
#include "host/support/bytes.h"

/* A rank holds this while it works. */
typedef struct {
    ranks r;
    parseal_ctx *ctx;
    int32_t root;
    uint8_t *partial; /* this rank's export */
    uint64_t size, n; /* the export's bytes, and its clients */
    uint64_t *counts; /* how many clients every rank has */
    int *pieces;      /* a round's bytes of every rank, then the bytes that lie before each */
    uint64_t *clients;
    uint64_t n_clients; /* all ranks' clients, which rise once they are gathered */
    uint8_t *whole;     /* the result's export, where this rank gets one */
    uint64_t whole_size;
    ranks_sum sum;
} merge;

static void merge_free(merge *m)
{
    ranks_sum_close(&m->sum);
    if (m->partial != NULL)
        sodium_memzero(m->partial, (size_t)m->size);
    if (m->whole != NULL)
        sodium_memzero(m->whole, (size_t)m->whole_size);
    free(m->partial);
    free(m->counts);
    free(m->pieces);
    free(m->clients);
    free(m->whole);
}

static parseal_status no_memory(uint64_t size)
{
    return ranks_fail(PARSEAL_ERR_NO_MEMORY, "merge: out of memory for %" PRIu64 " bytes", size);
}

/* ------------------------------------------------------------------------------------ shapes -- */

static parseal_status export_partial(merge *m, const parseal_aggregator *partial)
{
    RANKS_TRY(ranks_library(parseal_aggregator_export_size(partial, &m->size)));
    if (m->size > SIZE_MAX / 2)
        return no_memory(m->size);
    m->partial = calloc(1, (size_t)m->size);
    if (m->partial == NULL)
        return no_memory(m->size);
    return ranks_library(parseal_aggregator_export(partial, m->partial, (size_t)m->size));
}

static parseal_status begin(merge *m, parseal_aggregator *const *merged,
                            const parseal_aggregator *partial)
{
    if (m->ctx == NULL)
        return ranks_fail(PARSEAL_ERR_ARG, "ctx: NULL");
    RANKS_TRY(ranks_check_root(&m->r, m->root));
    if (merged == NULL && ranks_gets(&m->r, m->root))
        return ranks_fail(PARSEAL_ERR_ARG, "merged: NULL");
    m->counts = calloc((size_t)m->r.size, sizeof *m->counts);
    m->pieces = calloc(2 * (size_t)m->r.size, sizeof *m->pieces);
    if (m->counts == NULL || m->pieces == NULL)
        return no_memory(16 * (uint64_t)m->r.size);
    return export_partial(m, partial);
}

static uint64_t number(const merge *m, size_t at, int size)
{
    return m->partial != NULL ? get_le(m->partial + at, size) : 0;
}

static parseal_status agree_on_shape(const merge *m, parseal_status status)
{
    const ranks_field same[] = {
        {"version", number(m, AT_VERSION, 4), false},
        {"ring.element_size", number(m, AT_ELEMENT_SIZE, 4), false},
        {"ring.modulus", number(m, AT_MODULUS, 8), false},
        {"dim", number(m, AT_DIM, 8), false},
        {"bits", number(m, AT_BITS, 4), false},
        {"quant_bits", number(m, AT_QUANT_BITS, 4), false},
        {"quant_clip", number(m, AT_QUANT_CLIP, 4), true},
        {"root", (uint64_t)(int64_t)m->root, false},
    };
    _Static_assert(sizeof same / sizeof same[0] <= RANKS_FIELDS_MAX, "too many fields");
    return ranks_agree(&m->r, status, same, sizeof same / sizeof same[0]);
}

/* ----------------------------------------------------------------------------------- clients -- */

static parseal_status make_client_list(merge *m)
{
    for (int i = 0; i < m->r.size; i++) {
        if (m->counts[i] > SIZE_MAX / 16 - m->n_clients)
            return no_memory(UINT64_MAX);
        m->n_clients += m->counts[i];
    }
    m->clients = malloc((size_t)m->n_clients * 8 + 1);
    return m->clients != NULL ? PARSEAL_OK : no_memory(m->n_clients * 8);
}

/* Returns how many clients a rank sends in one round: MPI counts all of a round's bytes in int. */
static uint64_t round_clients(const merge *m)
{
    const uint64_t limit = ranks_limit.chunk < INT_MAX ? ranks_limit.chunk : INT_MAX;
    const uint64_t each = limit / 8 / (uint64_t)m->r.size;
    return each > 0 ? each : 1;
}

static uint64_t part_of(uint64_t n, uint64_t from, uint64_t most)
{
    const uint64_t left = n > from ? n - from : 0;
    return left < most ? left : most;
}

/* Gathers every rank's clients from number `from` on. They travel as bytes, as an export has them
 * little-endian. */
static parseal_status gather_round(merge *m, uint64_t from, uint64_t each, uint64_t *gathered)
{
    int *bytes = m->pieces, *before = bytes + m->r.size, all = 0;
    for (int i = 0; i < m->r.size; i++) {
        before[i] = all;
        bytes[i] = (int)(8 * part_of(m->counts[i], from, each));
        all += bytes[i];
    }
    const uint64_t mine = from < m->n ? from : m->n;
    RANKS_MPI(MPI_Allgatherv, m->partial + HEAD + 8 * mine, bytes[m->r.rank], MPI_BYTE,
              m->clients + *gathered, bytes, before, MPI_BYTE, m->r.comm);
    *gathered += (uint64_t)all / 8;
    return PARSEAL_OK;
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static parseal_status gather_clients(merge *m)
{
    uint64_t gathered = 0, most = 0;
    const uint64_t each = round_clients(m);
    for (int i = 0; i < m->r.size; i++)
        most = m->counts[i] > most ? m->counts[i] : most;
    for (uint64_t from = 0; from < most; from += each)
        RANKS_TRY(gather_round(m, from, each, &gathered));
    for (uint64_t i = 0; i < m->n_clients; i++)
        m->clients[i] = get_le64((const uint8_t *)&m->clients[i]);
    qsort(m->clients, (size_t)m->n_clients, sizeof *m->clients, compare);
    return PARSEAL_OK;
}

static bool has(const merge *m, uint64_t client)
{
    for (uint64_t i = 0; i < m->n; i++)
        if (get_le64(m->partial + HEAD + 8 * i) == client)
            return true;
    return false;
}

/* Refuses a client that is there twice; every rank has found the same one. */
static parseal_status refuse_client(const merge *m, uint64_t client)
{
    const bool mine = has(m, client);
    int candidate = mine ? m->r.rank : m->r.size, first, second;
    RANKS_MPI(MPI_Allreduce, &candidate, &first, 1, MPI_INT, MPI_MIN, m->r.comm);
    candidate = mine && m->r.rank != first ? m->r.rank : m->r.size;
    RANKS_MPI(MPI_Allreduce, &candidate, &second, 1, MPI_INT, MPI_MIN, m->r.comm);
    return ranks_fail(PARSEAL_ERR_ARG, "clients: %" PRIu64 " has been counted on ranks %d and %d",
                      client, first, second);
}

static parseal_status unite_clients(merge *m)
{
    m->n = number(m, AT_CLIENTS, 8);
    RANKS_MPI(MPI_Allgather, &m->n, 1, MPI_UINT64_T, m->counts, 1, MPI_UINT64_T, m->r.comm);
    RANKS_TRY(ranks_agree(&m->r, make_client_list(m), NULL, 0));
    RANKS_TRY(gather_clients(m));
    for (uint64_t i = 1; i < m->n_clients; i++)
        if (m->clients[i] == m->clients[i - 1])
            return refuse_client(m, m->clients[i]);
    return PARSEAL_OK;
}

/* -------------------------------------------------------------------------------------- sums -- */

static uint8_t *sum_in(uint8_t *export, uint64_t n_clients)
{
    return export + HEAD + 8 * n_clients;
}

/* Makes the result's export, but for its sum and digest. */
static parseal_status make_whole(merge *m)
{
    m->whole_size = m->size - 8 * m->n + 8 * m->n_clients;
    m->whole = m->whole_size <= SIZE_MAX / 2 ? malloc((size_t)m->whole_size) : NULL;
    if (m->whole == NULL)
        return no_memory(m->whole_size);
    memcpy(m->whole, m->partial, HEAD);
    put_le64(m->whole + AT_CLIENTS, m->n_clients);
    for (uint64_t i = 0; i < m->n_clients; i++)
        put_le64(m->whole + HEAD + 8 * i, m->clients[i]);
    return PARSEAL_OK;
}

static parseal_status make_room(merge *m)
{
    const parseal_ring ring = {.modulus = number(m, AT_MODULUS, 8),
                               .element_size = (uint32_t)number(m, AT_ELEMENT_SIZE, 4)};
    if (ranks_gets(&m->r, m->root))
        RANKS_TRY(make_whole(m));
    free(m->clients);
    m->clients = NULL;
    return ranks_sum_open(&m->sum, &m->r, m->ctx, &ring, number(m, AT_DIM, 8));
}

static parseal_status add_sums(merge *m)
{
    RANKS_TRY(ranks_agree(&m->r, make_room(m), NULL, 0));
    return ranks_sum_run(&m->sum, &m->r, sum_in(m->partial, m->n),
                         m->whole != NULL ? sum_in(m->whole, m->n_clients) : NULL, m->root);
}

static parseal_status import_whole(merge *m, parseal_aggregator **made)
{
    if (m->whole == NULL)
        return PARSEAL_OK;
    const size_t size = (size_t)m->whole_size;
    digest_of(m->whole, size - DIGEST, m->whole + size - DIGEST);
    return ranks_library(parseal_aggregator_import(made, m->ctx, m->whole, size));
}

static parseal_status run(merge *m, parseal_aggregator **merged, const parseal_aggregator *partial)
{
    parseal_aggregator *made = NULL;
    RANKS_TRY(agree_on_shape(m, begin(m, merged, partial)));
    RANKS_TRY(unite_clients(m));
    RANKS_TRY(add_sums(m));
    const parseal_status status = ranks_agree(&m->r, import_whole(m, &made), NULL, 0);
    if (status != PARSEAL_OK)
        parseal_aggregator_destroy(made);
    else if (made != NULL)
        *merged = made;
    return status;
}

parseal_status parseal_mpi_merge(parseal_aggregator **merged, parseal_ctx *ctx,
                                 const parseal_aggregator *partial, int32_t root, MPI_Comm comm)
{
    merge m = {.ctx = ctx, .root = root};
    RANKS_TRY(ranks_open(&m.r, comm));
    const parseal_status status = run(&m, merged, partial);
    merge_free(&m);
    return status;
}
