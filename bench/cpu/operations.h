/* The table of everything that is measured. */
#ifndef PARSEAL_BENCH_CPU_OPERATIONS_H
#define PARSEAL_BENCH_CPU_OPERATIONS_H

#include "bench/cpu/work.h"

extern const struct operation operations[];
extern const size_t n_operations;

/* Sets w->op, w->size and w->n for a case. A SIZE_LARGE row has large_bytes of data in all;
 * w->threads must be set. All sizes are divided by `divisor`. */
void settle_case(struct work *w, const struct operation *op, const struct bench_case *c,
                 size_t large_bytes, size_t divisor);

#endif
