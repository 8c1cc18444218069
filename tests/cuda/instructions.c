/* The machine instructions of every CUDA kernel, against a table of what they were, and those of
 * the loops that decide a kernel's speed against the bounds that its speed is predicted from.
 *
 *   test_cuda_instructions check|write TABLE RELEASE PROGRAM.ARCHITECTURE.cubin...
 *
 * The table's first line names the nvcc that it was made with: with the same one no count may be
 * larger. Another one may schedule differently, so that only whole kernels are compared, and may
 * grow by a tenth. The bounds hold for every nvcc, and for architectures that the table lacks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cubin.h"

enum { LINE = 256, SLACK_PERCENT = 10 };

/* A kernel's loop of `least` instructions or more, its shortest, in which a lane does so many units
 * of work; and what is around it, once for so many passes of the loop, where that belongs to the
 * work too. The bounds, for one unit, are what bench/device/bound.c and bench/results/NOTES.md
 * predict the speed from, and at most an eighth on top. */
typedef struct {
    double all, alu, fma, wide, dot, shared, shared16, tensor, clmad; /* 0: not bounded */
} work_counts;

/* The bounds of 16 lookups, and of an eighth of the loads of a round key. */
#define LOOKUPS .shared = 16.5, .shared16 = 0.14

static const struct {
    const char *kernel, *unit;
    unsigned least, units, passes;
    unsigned arch_min, arch_max; /* where the kernel is used, and pipes are those of the bounds */
    work_counts bounds;
} WORK[] = {
    /* Dot products find the places of all lookups, which leaves the ALU eight exclusive ors, and
     * sixteen byte permutes more where there is one table. */
    {"aead_crypt", "a round of a block", 500, 16, 0, 75, 120, {.alu = 27, LOOKUPS}},
    {"aead_crypt_wide", "a round of a block", 500, 16, 0, 75, 120, {.alu = 9.2, LOOKUPS}},
    {"aead_add32", "a round of a block", 500, 16, 0, 75, 120, {.alu = 27, LOOKUPS}},
    /* The rate at which instructions are issued bounds this one. */
    {"aead_add32_wide",
     "a round of a block",
     500,
     16,
     0,
     75,
     120,
     {.all = 45, .alu = 9.2, LOOKUPS}},
    /* Half an instruction for each of the 4 x 32 blocks of a warp, and H^256 once in eight passes.
     */
    {"aead_hash_mma", "32 blocks of a warp", 200, 4, 8, 80, 90, {.tensor = 17}},
    /* 144 products, all of them wide, and a quarter of what is done for four blocks; some 27 are of
     * loads that are not aligned, beside those that are. */
    {"aead_hash", "a block", 300, 1, 4, 75, 120, {.alu = 330, .fma = 190, .wide = 146}},
    /* Eight products of a lane and one reduction, where nvcc knows how. */
    {"aead_hash_clmad", "a block of a lane", 170, 8, 0, 80, 90, {.all = 24, .clmad = 8.5}},
    /* Nothing is added to the loop of the rounds. */
    {"aead_seal", "a round of a block", 600, 16, 0, 80, 120, {.alu = 9.2, LOOKUPS}},
    /* 597 ALU operations, as some rotations are products; on 12.0 the additions are among them, and
     * of mask_apply64 on 10.0 the shortest such loop is another one. */
    {"mask_apply32", "64 bytes", 900, 1, 0, 75, 100, {.all = 1110, .alu = 640, .wide = 52}},
    {"mask_apply64", "64 bytes", 900, 1, 0, 75, 90, {.all = 1110, .alu = 640, .wide = 52}},
    {"mask_apply32", "64 bytes mod a prime", 1100, 1, 0, 75, 100, {.alu = 1000}},
    {"mask_apply64", "64 bytes mod a prime", 1100, 1, 0, 75, 100, {.alu = 1000}},
    /* Four elements a lane of up to 32 bits, with the stores of either size. From 10.0 on other
     * loops are as short. */
    {"unpack", "128 elements of a warp", 55, 1, 0, 75, 90, {.all = 64, .alu = 27}},
    {"packed_sum32",
     "128 elements of a warp and an input",
     90,
     1,
     0,
     75,
     90,
     {.all = 96, .alu = 65}},
};

static FILE *table;
static bool write_table, same_release;
static unsigned wrong, compared;
static bool work_expected[sizeof WORK / sizeof WORK[0]], work_seen[sizeof WORK / sizeof WORK[0]];

static void row_text(char *row, const char *kernel, unsigned arch, unsigned loop,
                     const cubin_counts *c)
{
    char place[16];
    snprintf(place, sizeof place, loop == 0 ? "all" : "loop%u", loop);
    snprintf(row, LINE, "%-16s %3u %-6s %5u %5u %5u %5u %5u %5u %5u", kernel, arch, place, c->all,
             c->alu, c->fma, c->dot, c->shared, c->global, c->tensor);
}

/* The committed counts of a row, if there is one. */
static bool committed(const char *kernel, unsigned arch, unsigned loop, cubin_counts *c)
{
    char line[LINE], name[64], place[16], want[16];
    unsigned of_arch;
    snprintf(want, sizeof want, loop == 0 ? "all" : "loop%u", loop);
    rewind(table);
    while (fgets(line, sizeof line, table) != NULL)
        if (sscanf(line, "%63s %u %15s %u %u %u %u %u %u %u", name, &of_arch, place, &c->all,
                   &c->alu, &c->fma, &c->dot, &c->shared, &c->global, &c->tensor) == 10 &&
            strcmp(name, kernel) == 0 && of_arch == arch && strcmp(place, want) == 0)
            return true;
    return false;
}

static bool table_has(unsigned arch)
{
    char line[LINE];
    unsigned of_arch;
    rewind(table);
    while (fgets(line, sizeof line, table) != NULL)
        if (sscanf(line, "%*s %u", &of_arch) == 1 && of_arch == arch)
            return true;
    return false;
}

static bool grew(unsigned now, unsigned before)
{
    return now > before + (same_release ? 0 : before * SLACK_PERCENT / 100 + 8);
}

static void check(const char *kernel, unsigned arch, unsigned loop, const cubin_counts *now)
{
    char row[LINE];
    cubin_counts before;
    row_text(row, kernel, arch, loop, now);
    if (write_table) {
        fprintf(table, "%s\n", row);
        return;
    }
    if (loop != 0 && !same_release)
        return;
    compared++;
    if (!committed(kernel, arch, loop, &before)) {
        printf("not in the table:\n  %s\n", row);
        wrong++;
    } else if (grew(now->all, before.all) || grew(now->alu, before.alu) ||
               grew(now->fma, before.fma) || grew(now->dot, before.dot) ||
               grew(now->shared, before.shared) || grew(now->global, before.global) ||
               grew(now->tensor, before.tensor)) {
        printf("grew to\n  %s\nfrom\n", row);
        row_text(row, kernel, arch, loop, &before);
        printf("  %s\n", row);
        wrong++;
    }
}

static double per_unit(size_t w, unsigned loop, unsigned around)
{
    const double more = WORK[w].passes > 0 ? (double)around / WORK[w].passes : 0;
    return (loop + more) / WORK[w].units;
}

static work_counts work_of(size_t w, const cubin_counts *l, const cubin_counts *a)
{
    return (work_counts){.all = per_unit(w, l->all, a->all),
                         .alu = per_unit(w, l->alu, a->alu),
                         .fma = per_unit(w, l->fma, a->fma),
                         .wide = per_unit(w, l->wide, a->wide),
                         .dot = per_unit(w, l->dot, a->dot),
                         .shared = per_unit(w, l->shared, a->shared),
                         .shared16 = per_unit(w, l->shared16, a->shared16),
                         .tensor = per_unit(w, l->tensor, a->tensor),
                         .clmad = per_unit(w, l->clmad, a->clmad)};
}

static bool above(double count, double bound)
{
    return bound > 0 && count > bound;
}

static bool any_above(const work_counts *c, const work_counts *bound)
{
    return above(c->all, bound->all) || above(c->alu, bound->alu) || above(c->fma, bound->fma) ||
           above(c->wide, bound->wide) || above(c->dot, bound->dot) ||
           above(c->shared, bound->shared) || above(c->shared16, bound->shared16) ||
           above(c->tensor, bound->tensor) || above(c->clmad, bound->clmad);
}

static void check_work(const cubin_kernel *k, unsigned arch, size_t w)
{
    unsigned at = k->loops;
    for (unsigned j = 0; j < k->loops; j++)
        if (k->loop[j].all >= WORK[w].least && (at == k->loops || k->loop[j].all < k->loop[at].all))
            at = j;
    if (at == k->loops) {
        printf("%s sm_%u: no loop of %u instructions\n", k->name, arch, WORK[w].least);
        wrong++;
        return;
    }
    const work_counts c = work_of(w, &k->loop[at], &k->around[at]);
    const bool over = any_above(&c, &WORK[w].bounds);
    printf("%-15s sm_%-3u %s: %.1f in all, %.1f ALU, %.1f FMA (%.1f wide), %.1f dot, %.2f shared "
           "(%.3f of 16 bytes), %.2f tensor, %.2f carry-less%s\n",
           k->name, arch, WORK[w].unit, c.all, c.alu, c.fma, c.wide, c.dot, c.shared, c.shared16,
           c.tensor, c.clmad, over ? ": too many" : "");
    work_seen[w] = true;
    wrong += over;
}

/* The 90 of "folder/mask.90.cubin"; 0 for other names */
static unsigned arch_of(const char *path)
{
    const char *end = strrchr(path, '.'), *number = end;
    if (end == NULL || strcmp(end, ".cubin") != 0)
        return 0;
    while (number > path && number[-1] != '.')
        number--;
    return (unsigned)strtoul(number, NULL, 10);
}

static bool needs_clmad(size_t w)
{
    return WORK[w].bounds.clmad > 0 || strcmp(WORK[w].kernel, "aead_seal") == 0;
}

static void check_file(const char *path)
{
    cubin_kernel *kernels;
    const unsigned arch = arch_of(path);
    const int n = cubin_read(path, arch, &kernels);
    const bool clmad = strstr(path, "ghash_clmad") != NULL || strstr(path, "aead_seal") != NULL;
    const bool compare = write_table || table_has(arch);
    if (n < 0 || (n == 0 && !clmad)) {
        printf("%s: no cubin\n", path);
        wrong++;
    }
    if (!compare)
        printf("%s: not in the table, so that only the bounds hold\n", path);
    /* test_cuda_registers finds out whether there should be carry-less multiplications. */
    for (size_t w = 0; w < sizeof WORK / sizeof WORK[0]; w++)
        if (!needs_clmad(w) && arch >= WORK[w].arch_min && arch <= WORK[w].arch_max)
            work_expected[w] = true;
    for (int i = 0; i < n; i++) {
        if (kernels[i].whole.local != 0) {
            printf("%s: %s uses local memory\n", path, kernels[i].name);
            wrong++;
        }
        if (compare)
            check(kernels[i].name, arch, 0, &kernels[i].whole);
        for (unsigned j = 0; j < kernels[i].loops && compare; j++)
            check(kernels[i].name, arch, j + 1, &kernels[i].loop[j]);
        for (size_t w = 0; w < sizeof WORK / sizeof WORK[0]; w++)
            if (strcmp(WORK[w].kernel, kernels[i].name) == 0 && arch >= WORK[w].arch_min &&
                arch <= WORK[w].arch_max)
                check_work(&kernels[i], arch, w);
    }
    free(kernels);
}

int main(int argc, char **argv)
{
    char first[LINE] = "", head[LINE];
    if (argc < 5) {
        fprintf(stderr, "usage: %s check|write TABLE RELEASE CUBIN...\n", argv[0]);
        return 2;
    }
    write_table = strcmp(argv[1], "write") == 0;
    table = fopen(argv[2], write_table ? "w" : "r");
    if (table == NULL) {
        perror(argv[2]);
        return 1;
    }
    snprintf(head, sizeof head, "# nvcc %s\n", argv[3]);
    if (write_table)
        fprintf(table, "%s%-16s %3s %-6s %5s %5s %5s %5s %5s %5s %5s\n", head, "# kernel", "sm",
                "place", "all", "alu", "fma", "dot", "share", "globl", "tensr");
    else if (fgets(first, sizeof first, table) != NULL)
        same_release = strcmp(first, head) == 0;
    for (int i = 4; i < argc; i++)
        check_file(argv[i]);
    fclose(table);
    for (size_t w = 0; w < sizeof WORK / sizeof WORK[0]; w++)
        if (work_expected[w] && !work_seen[w]) {
            printf("nothing seen of %s\n", WORK[w].kernel);
            wrong++;
        }
    printf("%u counts compared, %u wrong%s\n", compared, wrong,
           write_table || same_release ? "" : " (the table is of another nvcc)");
    return wrong != 0;
}
