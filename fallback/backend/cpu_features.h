/* This processor's name, its cache, and the instruction sets that both it and the operating system
 * support. */
#ifndef PARSEAL_FALLBACK_BACKEND_CPU_FEATURES_H
#define PARSEAL_FALLBACK_BACKEND_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fallback/levels.h"

/* Writes the processor's own name ("AMD EPYC 9454"), or the architecture's where it has none. */
void cpu_name(char *name, size_t size);

/* Returns the bytes of the last-level cache, or a common size where the system does not say. */
uint64_t cpu_cache_size(void);

/* The functions `supported` of fallback/levels.h. */
#define LEVEL(name, needs, supported) bool supported(void);
CPU_LEVELS(LEVEL)
#undef LEVEL

#endif
