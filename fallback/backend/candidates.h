/* The CPU implementations and what each needs of the machine: the tables that fallback/levels.h
 * lists. */
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
    const char *needs; /* NULL: it runs on every machine */
    bool (*supported)(void);
} cpu_level;

extern const cpu_level cpu_levels[CPU_LEVEL_COUNT];

/* Declares mask_candidate, mask_candidates and mask_candidate_count, and the same for the other
 * families: best first, portable last. `level` is an index into cpu_levels. */
#define FAMILY(primitive, family, list)                    \
    typedef struct {                                       \
        size_t level;                                      \
        const family##_impl *impl;                         \
    } family##_candidate;                                  \
    extern const family##_candidate family##_candidates[]; \
    extern const size_t family##_candidate_count;
CPU_FAMILIES(FAMILY)
#undef FAMILY

/* The implementations that a device uses, one of each family. */
typedef struct {
#define FAMILY(primitive, family, list) const family##_impl *family;
    CPU_FAMILIES(FAMILY)
#undef FAMILY
} cpu_chosen;

/* A primitive's candidates, behind functions that hide their type. */
typedef struct {
    size_t count;
    size_t (*level)(size_t index);
    void (*use)(cpu_chosen *chosen, size_t index);
} cpu_candidates;

const cpu_candidates *cpu_candidates_of(int32_t primitive);

#endif
