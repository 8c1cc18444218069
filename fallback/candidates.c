#include "fallback/candidates.h"

#include "parseal/parseal.h"

static bool always(void)
{
    return true;
}

enum { PORTABLE };

const cpu_level cpu_levels[] = {
    [PORTABLE] = {"portable", NULL, always},
};
const size_t cpu_level_count = sizeof cpu_levels / sizeof cpu_levels[0];

static const cpu_candidate aead[] = {{PORTABLE, &gcm_portable}};
static const cpu_candidate mask[] = {{PORTABLE, &mask_portable}};
static const cpu_candidate vec_sum[] = {{PORTABLE, &vec_portable}};
static const cpu_candidate quant[] = {{PORTABLE, &quant_portable}};
static const cpu_candidate pack[] = {{PORTABLE, &pack_portable}};

#define LIST(array)                               \
    {                                             \
        array, sizeof(array) / sizeof((array)[0]) \
    }

const cpu_candidate *cpu_candidates(int32_t primitive, size_t *count)
{
    static const struct {
        const cpu_candidate *list;
        size_t count;
    } lists[PARSEAL_PRIMITIVES] = {
        [PARSEAL_PRIMITIVE_AEAD] = LIST(aead),       [PARSEAL_PRIMITIVE_MASK] = LIST(mask),
        [PARSEAL_PRIMITIVE_VEC_SUM] = LIST(vec_sum), [PARSEAL_PRIMITIVE_QUANT] = LIST(quant),
        [PARSEAL_PRIMITIVE_PACK] = LIST(pack),
    };
    *count = lists[primitive].count;
    return lists[primitive].list;
}
