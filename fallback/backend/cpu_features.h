/* What this processor is and can do: instruction sets that both it and the operating system
 * support. */
#ifndef PARSEAL_FALLBACK_BACKEND_CPU_FEATURES_H
#define PARSEAL_FALLBACK_BACKEND_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fallback/levels.h"

/* The processor's own name ("AMD EPYC 9454"), or the architecture's where it does not say. */
void cpu_name(char *name, size_t size);

/* Bytes of the last-level cache, or a common size where the system does not say. */
uint64_t cpu_cache_size(void);

/* The `supported` of fallback/levels.h. */
#define LEVEL(name, needs, supported) bool supported(void);
CPU_LEVELS(LEVEL)
#undef LEVEL

#endif
