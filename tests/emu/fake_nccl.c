#include "fake_nccl.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/nccl/nccl_api.h"
#include "host/support/dynlib.h"

#define EXPORT __attribute__((visibility("default")))

enum { UNHANDLED_CUDA = 1, INVALID_ARGUMENT = 4 };

typedef struct {
    int size;
    pthread_barrier_t met;
    const void *given[FAKE_NCCL_RANKS_MAX];
    size_t counts[FAKE_NCCL_RANKS_MAX];
    int (*synchronize)(void *stream);
} world;

typedef struct {
    world *w;
    int rank;
    bool fails;
    fake_nccl_counts asked;
} comm;

EXPORT fake_nccl_open open_fake;
EXPORT fake_nccl_close close_fake;
EXPORT fake_nccl_asked asked_of_fake;
EXPORT fake_nccl_fail fail_in_fake;
#define NCCL_DECLARE(name, result, parameters) EXPORT result nccl##name parameters;
NCCL_FUNCTIONS(NCCL_DECLARE)
#undef NCCL_DECLARE

void open_fake(int n, void **comms)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    world *w = calloc(1, sizeof *w);
    comm *list = calloc((size_t)n, sizeof *list);
    if (w == NULL || list == NULL || pthread_barrier_init(&w->met, NULL, (unsigned)n) != 0)
        abort();
    w->size = n;
    dynlib_function(dynlib_open(names), "cuStreamSynchronize", &w->synchronize,
                    sizeof w->synchronize);
    for (int i = 0; i < n; i++) {
        list[i] = (comm){.w = w, .rank = i};
        comms[i] = &list[i];
    }
}

void close_fake(int n, void **comms)
{
    comm *list = comms[0];
    (void)n;
    (void)pthread_barrier_destroy(&list->w->met);
    free(list->w);
    free(list);
}

fake_nccl_counts asked_of_fake(void *handle)
{
    comm *c = handle;
    const fake_nccl_counts asked = c->asked;
    c->asked = (fake_nccl_counts){0};
    return asked;
}

void fail_in_fake(void *handle)
{
    ((comm *)handle)->fails = true;
}

const char *ncclGetErrorString(int result)
{
    return result == UNHANDLED_CUDA ? "unhandled cuda error" : "invalid argument";
}

int ncclCommCount(const void *handle, int *count)
{
    *count = ((const comm *)handle)->w->size;
    return NCCL_OK;
}

int ncclCommUserRank(const void *handle, int *rank)
{
    *rank = ((const comm *)handle)->rank;
    return NCCL_OK;
}

/* Every rank's vector is there, and as long as this one's. */
static int meet(comm *c, const void *from, size_t n, void *stream)
{
    world *w = c->w;
    if (c->fails) {
        c->fails = false;
        return UNHANDLED_CUDA;
    }
    if (stream == NULL || w->synchronize(stream) != 0)
        return UNHANDLED_CUDA;
    w->given[c->rank] = from;
    w->counts[c->rank] = n;
    c->asked.words += n;
    (void)pthread_barrier_wait(&w->met);
    for (int i = 0; i < w->size; i++)
        if (w->counts[i] != n)
            abort(); /* NCCL would hang */
    return NCCL_OK;
}

/* The results are written when no rank reads its input any more. */
static void part(comm *c, const void *result, void *to, size_t size)
{
    (void)pthread_barrier_wait(&c->w->met);
    memcpy(to, result, size);
    (void)pthread_barrier_wait(&c->w->met);
}

static uint64_t word(const void *p, size_t i, size_t size)
{
    uint64_t wide = 0;
    uint32_t narrow;
    if (size == sizeof wide) {
        memcpy(&wide, (const uint8_t *)p + 8 * i, sizeof wide);
        return wide;
    }
    memcpy(&narrow, (const uint8_t *)p + 4 * i, sizeof narrow);
    return narrow;
}

int ncclAllReduce(const void *from, void *to, size_t n, int type, int op, void *handle,
                  void *stream)
{
    comm *c = handle;
    const size_t size = type == NCCL_UINT64 ? 8 : 4;
    if ((type != NCCL_UINT64 && type != NCCL_UINT32) || op != NCCL_SUM)
        return INVALID_ARGUMENT;
    c->asked.reduces++;
    const int result = meet(c, from, n, stream);
    if (result != NCCL_OK)
        return result;
    uint8_t *sums = malloc(n * size + 1);
    if (sums == NULL)
        abort();
    for (size_t i = 0; i < n; i++) {
        uint64_t sum = 0;
        for (int k = 0; k < c->w->size; k++)
            sum += word(c->w->given[k], i, size);
        const uint32_t narrow = (uint32_t)sum;
        memcpy(sums + i * size, size == 8 ? (const void *)&sum : (const void *)&narrow, size);
    }
    part(c, sums, to, n * size);
    free(sums);
    return NCCL_OK;
}

int ncclAllGather(const void *from, void *to, size_t n, int type, void *handle, void *stream)
{
    comm *c = handle;
    if (type != NCCL_UINT64)
        return INVALID_ARGUMENT;
    c->asked.gathers++;
    const int result = meet(c, from, n, stream);
    if (result != NCCL_OK)
        return result;
    uint8_t *all = malloc((size_t)c->w->size * n * 8 + 1);
    if (all == NULL)
        abort();
    for (int k = 0; k < c->w->size; k++)
        memcpy(all + (size_t)k * n * 8, c->w->given[k], n * 8);
    part(c, all, to, (size_t)c->w->size * n * 8);
    free(all);
    return NCCL_OK;
}
