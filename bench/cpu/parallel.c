#include "bench/cpu/parallel.h"

#ifdef _OPENMP
#include <omp.h>

static size_t cut(size_t n, unsigned part, unsigned parts)
{
    size_t longer = n % parts; /* this many parts have one item more */
    return n / parts * part + (part < longer ? part : longer);
}

bool parallel_slices(unsigned threads, size_t n, slice_fn *slice, void *arg)
{
    int fine = 1;
#pragma omp parallel num_threads((int)threads) reduction(&& : fine) if (threads > 1)
    {
        unsigned part = (unsigned)omp_get_thread_num();
        unsigned parts = (unsigned)omp_get_num_threads();
        fine = slice(arg, part, cut(n, part, parts), cut(n, part + 1, parts));
    }
    return fine != 0;
}

#else

bool parallel_slices(unsigned threads, size_t n, slice_fn *slice, void *arg)
{
    (void)threads;
    return slice(arg, 0, 0, n);
}

#endif
