#include "fallback/backend/candidates.h"

#include "fallback/backend/cpu_features.h"
#include "parseal/parseal.h"

#define LEVEL(name, needs, supported) [CPU_LEVEL_##name] = {#name, needs, supported},
const cpu_level cpu_levels[CPU_LEVEL_COUNT] = {CPU_LEVELS(LEVEL)};
#undef LEVEL

#define IMPL(family, level) {CPU_LEVEL_##level, &family##_##level},
#define FAMILY(primitive, family, list)                                    \
    const family##_candidate family##_candidates[] = {list(IMPL, family)}; \
    const size_t family##_candidate_count =                                \
        sizeof family##_candidates / sizeof family##_candidates[0];        \
    static size_t family##_level(size_t index)                             \
    {                                                                      \
        return family##_candidates[index].level;                           \
    }                                                                      \
    static void use_##family(cpu_chosen *chosen, size_t index)             \
    {                                                                      \
        chosen->family = family##_candidates[index].impl;                  \
    }
CPU_FAMILIES(FAMILY)
#undef FAMILY

const cpu_candidates *cpu_candidates_of(int32_t primitive)
{
    static const cpu_candidates all[] = {
#define FAMILY(primitive, family, list)                                                        \
    [primitive] = {sizeof family##_candidates / sizeof family##_candidates[0], family##_level, \
                   use_##family},
        CPU_FAMILIES(FAMILY)
#undef FAMILY
    };
    return &all[primitive];
}
