#include "cubin.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INSTRUCTION = 16,
    LOOP_MIN = 24,
    BRANCH = 0x147,
    LOAD_SHARED = 0x184,
    MULTIPLY_WIDE = 0x025,
    MULTIPLY_HIGH = 0x027,
    SIZE_16 = 6 /* in bits 73 to 75 of a load or store */
};

/* The low nine bits of an instruction are its operation, three more its operands' kinds. */
typedef enum { OTHER, ALU, FMA, DOT, SHARED, GLOBAL, LOCAL, TENSOR, CLMAD, NONE } unit;

static const struct {
    uint16_t operation;
    unit unit;
} UNITS[] = {
    {0x002, ALU},   {0x007, ALU},    {0x00c, ALU},    {0x010, ALU},    {0x011, ALU},
    {0x012, ALU},   {0x016, ALU},    {0x017, ALU},    {0x019, ALU},    {0x035, ALU},
    {0x036, ALU},   {0x048, ALU},    {0x024, FMA},    {0x025, FMA},    {0x026, DOT},
    {0x027, FMA},   {0x184, SHARED}, {0x188, SHARED}, {0x181, GLOBAL}, {0x186, GLOBAL},
    {0x183, LOCAL}, {0x187, LOCAL},  {0x037, TENSOR}, {0x03c, TENSOR}, {0x03d, TENSOR},
    {0x02c, CLMAD}, {0x118, NONE},
};

static uint64_t word_at(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static void count(cubin_counts *c, const uint8_t *instruction)
{
    const unsigned operation = word_at(instruction) & 0x1ff;
    const unsigned size = word_at(instruction + 8) >> 9 & 7;
    unit u = OTHER;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++)
        if (UNITS[i].operation == operation)
            u = UNITS[i].unit;
    c->all += u != NONE;
    c->alu += u == ALU;
    c->fma += u == FMA;
    c->wide += operation == MULTIPLY_WIDE || operation == MULTIPLY_HIGH;
    c->dot += u == DOT;
    c->shared += u == SHARED;
    c->shared16 += operation == LOAD_SHARED && size == SIZE_16;
    c->global += u == GLOBAL;
    c->local += u == LOCAL;
    c->tensor += u == TENSOR;
    c->clmad += u == CLMAD;
}

static cubin_counts count_range(const uint8_t *text, int64_t from, int64_t to)
{
    cubin_counts c = {0};
    for (int64_t at = from; at < to; at += INSTRUCTION)
        count(&c, text + at);
    return c;
}

/* Where the branch at `at` goes, if it is one: a distance in units of four bytes from what follows.
 * From sm_90 on, its low eight bits are elsewhere. */
static bool branch_target(const uint8_t *text, int64_t at, unsigned arch, int64_t *target)
{
    const uint64_t low = word_at(text + at), high = word_at(text + at + 8);
    if ((low & 0x1ff) != BRANCH)
        return false;
    int64_t distance = (int64_t)(low >> 34 | (high & 0x3ffff) << 30);
    if (distance >> 47 != 0)
        distance -= INT64_C(1) << 48;
    if (arch >= 90)
        distance = distance * 256 + (int64_t)(low >> 16 & 0xff);
    *target = at + INSTRUCTION + 4 * distance;
    return true;
}

/* Whether [from, to) has a whole loop in it that ends before its own end: not a few instructions
 * that take a block's bytes one by one. */
static bool has_loop(const uint8_t *text, int64_t from, int64_t to, unsigned arch)
{
    for (int64_t at = from; at < to - INSTRUCTION; at += INSTRUCTION) {
        int64_t target;
        if (branch_target(text, at, arch, &target) && target >= from &&
            at + INSTRUCTION - target >= LOOP_MIN * INSTRUCTION)
            return true;
    }
    return false;
}

/* The instructions of the smallest loop around [from, to), but for its own. */
static cubin_counts count_around(const uint8_t *text, int64_t size, int64_t from, int64_t to,
                                 unsigned arch)
{
    int64_t target, first = 0, end = 0;
    for (int64_t at = to; at < size; at += INSTRUCTION)
        if (branch_target(text, at, arch, &target) && target >= 0 && target <= from &&
            (end == 0 || at + INSTRUCTION - target < end - first)) {
            first = target;
            end = at + INSTRUCTION;
        }
    cubin_counts c = {0};
    for (int64_t at = first; at < end; at += INSTRUCTION)
        if (at < from || at >= to)
            count(&c, text + at);
    return c;
}

static void look_at(cubin_kernel *k, const uint8_t *text, int64_t size, unsigned arch)
{
    k->whole = count_range(text, 0, size);
    for (int64_t at = 0; at < size; at += INSTRUCTION) {
        int64_t target;
        if (!branch_target(text, at, arch, &target) || target > at || target < 0)
            continue;
        const int64_t end = at + INSTRUCTION;
        if (end - target < LOOP_MIN * INSTRUCTION || k->loops == CUBIN_LOOPS_MAX ||
            has_loop(text, target, end, arch))
            continue;
        k->around[k->loops] = count_around(text, size, target, end, arch);
        k->loop[k->loops++] = count_range(text, target, end);
    }
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;
    if (f == NULL)
        return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) > 0) {
        *size = (size_t)ftell(f);
        rewind(f);
        data = malloc(*size);
        if (data != NULL && fread(data, 1, *size, f) != *size) {
            free(data);
            data = NULL;
        }
    }
    fclose(f);
    return data;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const cubin_kernel *)a)->name, ((const cubin_kernel *)b)->name);
}

/* Sections .text.NAME, one a kernel. */
static int read_sections(const uint8_t *data, size_t size, unsigned arch, cubin_kernel *kernels)
{
    static const char prefix[] = ".text.";
    Elf64_Ehdr head;
    Elf64_Shdr section, names;
    int n = 0;
    memcpy(&head, data, sizeof head);
    if (head.e_shoff + (uint64_t)head.e_shnum * sizeof section > size)
        return -1;
    memcpy(&names, data + head.e_shoff + head.e_shstrndx * sizeof names, sizeof names);
    for (unsigned i = 0; i < head.e_shnum; i++) {
        memcpy(&section, data + head.e_shoff + i * sizeof section, sizeof section);
        if (section.sh_name >= names.sh_size || names.sh_offset + names.sh_size > size)
            return -1;
        const char *name = (const char *)data + names.sh_offset + section.sh_name;
        if (strncmp(name, prefix, sizeof prefix - 1) != 0)
            continue;
        if (section.sh_offset + section.sh_size > size)
            return -1;
        cubin_kernel *k = &kernels[n++];
        memset(k, 0, sizeof *k);
        snprintf(k->name, sizeof k->name, "%s", name + sizeof prefix - 1);
        look_at(k, data + section.sh_offset, (int64_t)section.sh_size, arch);
    }
    qsort(kernels, (size_t)n, sizeof *kernels, by_name);
    return n;
}

int cubin_read(const char *path, unsigned arch, cubin_kernel **kernels)
{
    size_t size = 0;
    int n = -1;
    uint8_t *data = read_file(path, &size);
    *kernels = NULL;
    if (data != NULL && size > sizeof(Elf64_Ehdr) && memcmp(data, ELFMAG, SELFMAG) == 0) {
        Elf64_Ehdr head;
        memcpy(&head, data, sizeof head);
        *kernels = calloc((size_t)head.e_shnum + 1, sizeof **kernels);
        if (*kernels != NULL)
            n = read_sections(data, size, arch, *kernels);
    }
    free(data);
    return n;
}
