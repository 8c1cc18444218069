/* The instruction sets that the CPU code is written for, and the implementations for each: the one
 * list that declarations (impl.h, cpu_features.h) and tables (candidates.c) are made from.
 *
 * CPU_LEVELS(LEVEL): LEVEL(name, needs, supported) in order, lowest first. Asking for a level rules
 * out all that are above it. `needs` is a text for people, which says what a machine that cannot
 * run it lacks; `supported` is a function of cpu_features.c.
 *
 * CPU_GCM(IMPL, family) and so on: the levels for which a family has an implementation, called
 * family_level, best first, portable last.
 */
#ifndef PARSEAL_FALLBACK_LEVELS_H
#define PARSEAL_FALLBACK_LEVELS_H

/* clang-format off */
/* The list of a family that has no other implementation. */
#define CPU_PORTABLE(IMPL, family) IMPL(family, portable)

#if defined(__x86_64__)

#define CPU_LEVELS(LEVEL)                                                                  \
    LEVEL(portable, NULL, cpu_has_portable)                                                \
    LEVEL(aesni, "AES-NI, PCLMULQDQ and SSSE3", cpu_has_aesni)                             \
    LEVEL(avx2, "AVX2", cpu_has_avx2)                                                      \
    LEVEL(vaes256, "AVX2, VAES and VPCLMULQDQ", cpu_has_vaes256)                           \
    LEVEL(avx512, "AVX-512 F, BW, DQ and VL", cpu_has_avx512)                              \
    LEVEL(vaes512, "AVX-512 F, BW, DQ and VL, VAES and VPCLMULQDQ", cpu_has_vaes512)

#define CPU_GCM(IMPL, family)                                                           \
    IMPL(family, vaes512) IMPL(family, vaes256) IMPL(family, aesni) IMPL(family, portable)
#define CPU_MASK(IMPL, family)  IMPL(family, avx512) IMPL(family, avx2) IMPL(family, portable)
#define CPU_SUM(IMPL, family)   IMPL(family, avx512) IMPL(family, avx2) IMPL(family, portable)
#define CPU_QUANT(IMPL, family) IMPL(family, avx512) IMPL(family, avx2) IMPL(family, portable)
#define CPU_PACK(IMPL, family)  IMPL(family, avx512) IMPL(family, avx2) IMPL(family, portable)
#define CPU_FCP(IMPL, family)                                                           \
    IMPL(family, vaes512) IMPL(family, vaes256) IMPL(family, aesni) IMPL(family, portable)

#elif defined(__AARCH64EL__)

#define CPU_LEVELS(LEVEL)                                                                  \
    LEVEL(portable, NULL, cpu_has_portable)                                                \
    LEVEL(neon, "NEON", cpu_has_neon)                                                      \
    LEVEL(armv8, "the AES and PMULL instructions of ARMv8", cpu_has_armv8_crypto)

#define CPU_GCM(IMPL, family)   IMPL(family, armv8) IMPL(family, portable)
#define CPU_MASK(IMPL, family)  IMPL(family, neon) IMPL(family, portable)
#define CPU_SUM(IMPL, family)   IMPL(family, neon) IMPL(family, portable)
#define CPU_QUANT CPU_PORTABLE
#define CPU_PACK CPU_PORTABLE
#define CPU_FCP(IMPL, family)   IMPL(family, armv8) IMPL(family, portable)

#else

#define CPU_LEVELS(LEVEL) LEVEL(portable, NULL, cpu_has_portable)

#define CPU_GCM CPU_PORTABLE
#define CPU_MASK CPU_PORTABLE
#define CPU_SUM CPU_PORTABLE
#define CPU_QUANT CPU_PORTABLE
#define CPU_PACK CPU_PORTABLE
#define CPU_FCP CPU_PORTABLE

#endif
/* clang-format on */

#endif
