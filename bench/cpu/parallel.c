#include "bench/cpu/parallel.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct {
    pthread_t id;
    bool started, fine;
    slice_fn *slice;
    void *arg;
    unsigned thread;
    size_t first, end;
} part;

static size_t cut(size_t n, unsigned i, unsigned parts)
{
    size_t longer = n % parts; /* this many parts have one item more */
    return n / parts * i + (i < longer ? i : longer);
}

static void *run_part(void *arg)
{
    part *p = arg;
    p->fine = p->slice(p->arg, p->thread, p->first, p->end);
    return NULL;
}

/* Threads are started for each call: what is measured by it lasts milliseconds. */
bool parallel_slices(unsigned threads, size_t n, slice_fn *slice, void *arg)
{
    bool fine = true;
    part *parts = threads > 1 ? calloc(threads, sizeof *parts) : NULL;
    if (parts == NULL)
        return slice(arg, 0, 0, n);
    for (unsigned i = threads; i-- > 0;) {
        part *p = &parts[i];
        *p = (part){.slice = slice,
                    .arg = arg,
                    .thread = i,
                    .first = cut(n, i, threads),
                    .end = cut(n, i + 1, threads)};
        p->started = i > 0 && pthread_create(&p->id, NULL, run_part, p) == 0;
        if (!p->started)
            (void)run_part(p);
    }
    for (unsigned i = 0; i < threads; i++) {
        if (parts[i].started)
            (void)pthread_join(parts[i].id, NULL);
        fine = fine && parts[i].fine;
    }
    free(parts);
    return fine;
}
