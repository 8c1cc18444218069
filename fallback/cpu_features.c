#include "fallback/cpu_features.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* CPUID leaves 0x80000002 to 0x80000004: 48 characters, padded with spaces. */
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
