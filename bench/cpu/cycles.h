/* The calling thread's CPU cycles, where the system lets them be read. */
#ifndef PARSEAL_BENCH_CPU_CYCLES_H
#define PARSEAL_BENCH_CPU_CYCLES_H

#include <stdbool.h>
#include <stdint.h>

/* Returns false where they cannot be read; cycles_read() then gives 0. */
bool cycles_open(void);
uint64_t cycles_read(void);
void cycles_close(void);

#endif
