/* What this processor is and can do: instruction sets that both it and the operating system
 * support. */
#ifndef PARSEAL_FALLBACK_BACKEND_CPU_FEATURES_H
#define PARSEAL_FALLBACK_BACKEND_CPU_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The processor's own name ("AMD EPYC 9454"), or the architecture's where it does not say. */
void cpu_name(char *name, size_t size);

/* Bytes of the last-level cache, or a common size where the system does not say. */
uint64_t cpu_cache_size(void);

/* x86-64. False on other machines. */
bool cpu_has_aesni(void);   /* AES-NI, PCLMULQDQ, SSSE3 */
bool cpu_has_avx2(void);    /* AVX2 */
bool cpu_has_vaes256(void); /* AVX2, VAES, VPCLMULQDQ, AES-NI, PCLMULQDQ */
bool cpu_has_avx512(void);  /* AVX-512 F, BW, DQ, VL */
bool cpu_has_vaes512(void); /* AVX-512 F, BW, DQ, VL, VAES, VPCLMULQDQ, AES-NI, PCLMULQDQ */

/* aarch64, which always has NEON. False on other machines. */
bool cpu_has_neon(void);
bool cpu_has_armv8_crypto(void); /* AES, PMULL */

#endif
