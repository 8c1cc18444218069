/* Which CPU implementations there are, and what each needs of the machine. */
#ifndef PARSEAL_FALLBACK_BACKEND_CANDIDATES_H
#define PARSEAL_FALLBACK_BACKEND_CANDIDATES_H

#include "fallback/impl.h"

/* One level of instruction set. Levels are ordered: asking for one (PARSEAL_CPU, options.cpu_impl)
 * rules out all that are above it. */
typedef struct {
    const char *name;
    const char *needs; /* what a machine lacks that cannot run it, for people */
    bool (*supported)(void);
} cpu_level;

typedef struct {
    size_t level;     /* index into cpu_levels */
    const void *impl; /* gcm_impl, mask_impl, ... as the primitive says */
} cpu_candidate;

/* Lowest first; the first is portable. */
extern const cpu_level cpu_levels[];
extern const size_t cpu_level_count;

/* The candidates of a PARSEAL_PRIMITIVE_*, best first, portable last. */
const cpu_candidate *cpu_candidates(int32_t primitive, size_t *count);

#endif
