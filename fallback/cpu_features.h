/* What this processor is. */
#ifndef PARSEAL_FALLBACK_CPU_FEATURES_H
#define PARSEAL_FALLBACK_CPU_FEATURES_H

#include <stddef.h>

/* The processor's own name ("AMD EPYC 9454"), or the architecture's where it does not say. */
void cpu_name(char *name, size_t size);

#endif
