/* The yardstick: the rate of memcpy on buffers that no cache holds, with as many threads as the
 * rows have. */
#include "bench/cpu/machine.h"
#include "bench/cpu/parallel.h"
#include "bench/cpu/support.h"

#include <stdlib.h>
#include <string.h>

struct copy {
    uint8_t *to;
    const uint8_t *from;
    size_t bytes;
    unsigned threads;
};

static bool copy_slice(void *arg, unsigned thread, size_t first, size_t end)
{
    const struct copy *copy = arg;
    (void)thread;
    memcpy(copy->to + first, copy->from + first, end - first);
    return true;
}

static bool copy_once(void *arg)
{
    const struct copy *copy = arg;
    return parallel_slices(copy->threads, copy->bytes, copy_slice, arg);
}

bool machine_measure_memcpy(struct machine *machine, size_t bytes, unsigned threads,
                            const struct effort *effort)
{
    uint8_t *from = bench_alloc(1, bytes), *to = bench_alloc(1, bytes);
    bool fine = from != NULL && to != NULL;
    if (fine) {
        struct copy copy = {to, from, bytes, threads};
        struct subject subject = {copy_once, &copy};
        struct rates rates;
        double seconds;
        struct effort all = *effort;
        all.max_row_seconds = 0;
        bench_fill(from, bytes, 7);
        fine = measure(&subject, 1, bytes, &all, &rates, &seconds) == MEASURED;
        machine->memcpy_gbps = fine ? rates.gbps : 0;
        machine->memcpy_bytes = bytes;
    }
    free(to);
    free(from);
    return fine;
}
