/* Which CPU implementations there are, and what each needs of the machine: fallback/levels.h as
 * tables. */
#ifndef PARSEAL_FALLBACK_BACKEND_CANDIDATES_H
#define PARSEAL_FALLBACK_BACKEND_CANDIDATES_H

#include "fallback/impl.h"
#include "fallback/levels.h"

enum {
#define LEVEL(name, needs, supported) CPU_LEVEL_##name,
    CPU_LEVELS(LEVEL)
#undef LEVEL
        CPU_LEVEL_COUNT
};

/* One level of instruction set. */
typedef struct {
    const char *name;
    const char *needs; /* NULL: nothing */
    bool (*supported)(void);
} cpu_level;

extern const cpu_level cpu_levels[CPU_LEVEL_COUNT];

/* mask_candidate, mask_candidates and mask_candidate_count, and those of the other families: best
 * first, portable last. `level` is an index into cpu_levels. */
#define FAMILY(primitive, family, list)                    \
    typedef struct {                                       \
        size_t level;                                      \
        const family##_impl *impl;                         \
    } family##_candidate;                                  \
    extern const family##_candidate family##_candidates[]; \
    extern const size_t family##_candidate_count;
CPU_FAMILIES(FAMILY)
#undef FAMILY

/* What a device uses, of each family one. */
typedef struct {
#define FAMILY(primitive, family, list) const family##_impl *family;
    CPU_FAMILIES(FAMILY)
#undef FAMILY
} cpu_chosen;

/* A primitive's candidates, whatever their type. */
typedef struct {
    size_t count;
    size_t (*level)(size_t index);
    void (*use)(cpu_chosen *chosen, size_t index);
} cpu_candidates;

const cpu_candidates *cpu_candidates_of(int32_t primitive);

#endif
