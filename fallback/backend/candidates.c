#include "fallback/backend/candidates.h"

#include "fallback/backend/cpu_features.h"
#include "parseal/parseal.h"

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)

enum { PORTABLE, AESNI, AVX2, VAES256, AVX512, VAES512 };

const cpu_level cpu_levels[] = {
    [PORTABLE] = {"portable", NULL, always},
    [AESNI] = {"aesni", "AES-NI, PCLMULQDQ and SSSE3", cpu_has_aesni},
    [AVX2] = {"avx2", "AVX2", cpu_has_avx2},
    [VAES256] = {"vaes256", "AVX2, VAES and VPCLMULQDQ", cpu_has_vaes256},
    [AVX512] = {"avx512", "AVX-512 F, BW, DQ and VL", cpu_has_avx512},
    [VAES512] = {"vaes512", "AVX-512 F, BW, DQ and VL, VAES and VPCLMULQDQ", cpu_has_vaes512},
};

static const cpu_candidate aead[] = {{VAES512, &gcm_vaes512},
                                     {VAES256, &gcm_vaes256},
                                     {AESNI, &gcm_aesni},
                                     {PORTABLE, &gcm_portable}};
static const cpu_candidate mask[] = {
    {AVX512, &mask_avx512}, {AVX2, &mask_avx2}, {PORTABLE, &mask_portable}};
static const cpu_candidate vec_sum[] = {
    {AVX512, &sum_avx512}, {AVX2, &sum_avx2}, {PORTABLE, &sum_portable}};
static const cpu_candidate quant[] = {
    {AVX512, &quant_avx512}, {AVX2, &quant_avx2}, {PORTABLE, &quant_portable}};
static const cpu_candidate pack[] = {
    {AVX512, &pack_avx512}, {AVX2, &pack_avx2}, {PORTABLE, &pack_portable}};
static const cpu_candidate fcp[] = {{VAES512, &fcp_vaes512},
                                    {VAES256, &fcp_vaes256},
                                    {AESNI, &fcp_aesni},
                                    {PORTABLE, &fcp_portable}};

#elif defined(__AARCH64EL__)

enum { PORTABLE, NEON, ARMV8 };

const cpu_level cpu_levels[] = {
    [PORTABLE] = {"portable", NULL, always},
    [NEON] = {"neon", "NEON", cpu_has_neon},
    [ARMV8] = {"armv8", "the AES and PMULL instructions of ARMv8", cpu_has_armv8_crypto},
};

static const cpu_candidate aead[] = {{ARMV8, &gcm_armv8}, {PORTABLE, &gcm_portable}};
static const cpu_candidate mask[] = {{NEON, &mask_neon}, {PORTABLE, &mask_portable}};
static const cpu_candidate vec_sum[] = {{NEON, &sum_neon}, {PORTABLE, &sum_portable}};
static const cpu_candidate quant[] = {{PORTABLE, &quant_portable}};
static const cpu_candidate pack[] = {{PORTABLE, &pack_portable}};
static const cpu_candidate fcp[] = {{ARMV8, &fcp_armv8}, {PORTABLE, &fcp_portable}};

#else

enum { PORTABLE };

const cpu_level cpu_levels[] = {
    [PORTABLE] = {"portable", NULL, always},
};

static const cpu_candidate aead[] = {{PORTABLE, &gcm_portable}};
static const cpu_candidate mask[] = {{PORTABLE, &mask_portable}};
static const cpu_candidate vec_sum[] = {{PORTABLE, &sum_portable}};
static const cpu_candidate quant[] = {{PORTABLE, &quant_portable}};
static const cpu_candidate pack[] = {{PORTABLE, &pack_portable}};
static const cpu_candidate fcp[] = {{PORTABLE, &fcp_portable}};

#endif

const size_t cpu_level_count = sizeof cpu_levels / sizeof cpu_levels[0];

#define LIST(array)                               \
    {                                             \
        array, sizeof(array) / sizeof((array)[0]) \
    }

const cpu_candidate *cpu_candidates(int32_t primitive, size_t *count)
{
    static const struct {
        const cpu_candidate *list;
        size_t count;
    } lists[] = {
        [PARSEAL_PRIMITIVE_AEAD] = LIST(aead),       [PARSEAL_PRIMITIVE_MASK] = LIST(mask),
        [PARSEAL_PRIMITIVE_VEC_SUM] = LIST(vec_sum), [PARSEAL_PRIMITIVE_QUANT] = LIST(quant),
        [PARSEAL_PRIMITIVE_PACK] = LIST(pack),       [PARSEAL_PRIMITIVE_FCP] = LIST(fcp),
    };
    *count = lists[primitive].count;
    return lists[primitive].list;
}
