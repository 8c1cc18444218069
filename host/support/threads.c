#include "host/support/threads.h"

#ifdef _OPENMP
#include <omp.h>
#endif

uint32_t threads_available(uint32_t wish)
{
#ifdef _OPENMP
    const int max = omp_get_max_threads();
    const uint32_t bound = max > 0 ? (uint32_t)max : 1;
    return wish != 0 && wish < bound ? wish : bound;
#else
    (void)wish;
    return 1;
#endif
}

void threads_for_then(uint32_t threads, size_t n, void (*task)(void *arg, size_t i), void *arg,
                      void (*last)(void))
{
#ifdef _OPENMP
    if (threads > 1 && n > 1) {
        /* Many short tasks are taken in chunks, which are long enough for taking one to cost
         * little, and short enough for the threads to finish at about the same time. */
        const size_t share = n / ((size_t)threads * 16);
        /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): a clause of OpenMP reads it. */
        const int chunk = share < 1 ? 1 : share > 64 ? 64 : (int)share;
        const int64_t end = (int64_t)n;
        /* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): a clause of OpenMP reads it. */
        const int workers = n < threads ? (int)n : (int)threads;
#pragma omp parallel num_threads(workers)
        {
#pragma omp for schedule(dynamic, chunk) nowait
            for (int64_t i = 0; i < end; i++)
                task(arg, (size_t)i);
            if (last != NULL)
                last();
        }
        return;
    }
#endif
    (void)threads;
    for (size_t i = 0; i < n; i++)
        task(arg, i);
    if (last != NULL)
        last();
}

void threads_for(uint32_t threads, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    threads_for_then(threads, n, task, arg, NULL);
}
