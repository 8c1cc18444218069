#include "fallback/backend/cpu_features.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif
#if defined(__AARCH64EL__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* -------------------------------------------------------------------------- instruction sets -- */

bool cpu_has_portable(void)
{
    return true;
}

#if defined(__x86_64__)

typedef struct {
    unsigned leaf1_ecx, leaf7_ebx, leaf7_ecx;
    uint64_t os_state; /* register state that the operating system saves: XCR0 */
} cpuid_bits;

static cpuid_bits read_cpuid(void)
{
    cpuid_bits b = {0};
    unsigned eax, ebx, ecx, edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        b.leaf1_ecx = ecx;
        if (ecx & bit_OSXSAVE) {
            uint32_t lo, hi;
            __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
            b.os_state = (uint64_t)hi << 32 | lo;
        }
    }
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        b.leaf7_ebx = ebx;
        b.leaf7_ecx = ecx;
    }
    return b;
}

static bool all_of(uint64_t bits, uint64_t wanted)
{
    return (bits & wanted) == wanted;
}

enum { STATE_AVX = 0x06, STATE_AVX512 = 0xe6 };

static bool has_aesni(const cpuid_bits *b)
{
    return all_of(b->leaf1_ecx, bit_AES | bit_PCLMUL | bit_SSSE3);
}

static bool has_avx2(const cpuid_bits *b)
{
    return all_of(b->os_state, STATE_AVX) && all_of(b->leaf7_ebx, bit_AVX2);
}

static bool has_avx512(const cpuid_bits *b)
{
    return all_of(b->os_state, STATE_AVX512) &&
           all_of(b->leaf7_ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL);
}

static bool has_vector_aes(const cpuid_bits *b)
{
    return has_aesni(b) && all_of(b->leaf7_ecx, bit_VAES | bit_VPCLMULQDQ);
}

bool cpu_has_aesni(void)
{
    const cpuid_bits b = read_cpuid();
    return has_aesni(&b);
}

bool cpu_has_avx2(void)
{
    const cpuid_bits b = read_cpuid();
    return has_avx2(&b);
}

/* Asks for AES-NI and PCLMULQDQ, too, as the code uses them beside the wide ones. */
bool cpu_has_vaes256(void)
{
    const cpuid_bits b = read_cpuid();
    return has_avx2(&b) && has_vector_aes(&b);
}

bool cpu_has_avx512(void)
{
    const cpuid_bits b = read_cpuid();
    return has_avx512(&b);
}

/* Asks for AES-NI and PCLMULQDQ, too, like cpu_has_vaes256. */
bool cpu_has_vaes512(void)
{
    const cpuid_bits b = read_cpuid();
    return has_avx512(&b) && has_vector_aes(&b);
}

#elif defined(__AARCH64EL__)

bool cpu_has_neon(void)
{
    return true;
}

bool cpu_has_armv8_crypto(void)
{
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & (HWCAP_AES | HWCAP_PMULL)) == (HWCAP_AES | HWCAP_PMULL);
#else
    return false;
#endif
}

#endif

/* ------------------------------------------------------------------------------- the machine -- */

#if defined(__x86_64__) || defined(__i386__)
/* Reads CPUID leaves 0x80000002 to 0x80000004: 48 characters, padded with spaces. */
static int brand_string(char brand[49])
{
    unsigned regs[12] = {0};
    const unsigned max = (unsigned)__get_cpuid_max(0x80000000u, NULL);
    if (max < 0x80000004u)
        return 0;
    for (unsigned i = 0; i < 3; i++)
        __get_cpuid(0x80000002u + i, regs + 4 * i, regs + 4 * i + 1, regs + 4 * i + 2,
                    regs + 4 * i + 3);
    memcpy(brand, regs, 48);
    brand[48] = '\0';
    return 1;
}
#else
static int brand_string(char brand[49])
{
    brand[0] = '\0';
    return 0;
}
#endif

/* Linux says how much cache this core can reach ("32768K"), while sysconf adds other cores' caches.
 * The file is read without stdio, which allocates: the result must not depend on free memory. */
uint64_t cpu_cache_size(void)
{
    char text[32] = "";
    uint64_t kib = 0;
    const int fd = open("/sys/devices/system/cpu/cpu0/cache/index3/size", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        const ssize_t n = read(fd, text, sizeof text - 1);
        text[n > 0 ? n : 0] = '\0';
        (void)close(fd);
    }
    for (const char *p = text; *p >= '0' && *p <= '9' && kib < (UINT64_C(1) << 40); p++)
        kib = kib * 10 + (uint64_t)(*p - '0');
    return kib > 0 ? (uint64_t)kib << 10 : UINT64_C(32) << 20;
}

static const char *architecture(void)
{
#if defined(__x86_64__)
    return "x86-64";
#elif defined(__i386__)
    return "x86";
#elif defined(__aarch64__)
    return "aarch64";
#elif defined(__s390x__)
    return "s390x";
#elif defined(__powerpc64__)
    return "ppc64";
#elif defined(__riscv)
    return "riscv";
#else
    return "CPU";
#endif
}

void cpu_name(char *name, size_t size)
{
    char brand[49];
    const char *start = brand;
    if (!brand_string(brand)) {
        snprintf(name, size, "%s", architecture());
        return;
    }
    while (*start == ' ')
        start++;
    size_t len = strlen(start);
    while (len > 0 && start[len - 1] == ' ')
        len--;
    snprintf(name, size, "%.*s", (int)len, len > 0 ? start : architecture());
}
