/* The machine instructions of every CUDA kernel, against a table of what they were.
 *
 *   test_cuda_instructions check|write TABLE RELEASE PROGRAM.ARCHITECTURE.cubin...
 *
 * The table's first line names the nvcc that it was made with: with the same one no count may be
 * larger. Another one may schedule differently, so that only whole kernels are compared, and may
 * grow by a tenth.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cubin.h"

enum { LINE = 256, SLACK_PERCENT = 10 };

/* Bytes that a thread makes of keystream, or hashes, in each pass of a kernel's longest loops. */
static const struct {
    const char *kernel;
    unsigned bytes, alu_bound;
} WORK[] = {
    {"mask_apply32", 64, 620},
    {"mask_apply64", 64, 620},
};

static FILE *table;
static bool write_table, same_release;
static unsigned wrong, compared;

static void row_text(char *row, const char *kernel, unsigned arch, unsigned loop,
                     const cubin_counts *c)
{
    char place[16];
    snprintf(place, sizeof place, loop == 0 ? "all" : "loop%u", loop);
    snprintf(row, LINE, "%-16s %3u %-6s %5u %5u %5u %5u %5u %5u", kernel, arch, place, c->all,
             c->alu, c->fma, c->shared, c->global, c->tensor);
}

/* The committed counts of a row, if there is one. */
static bool committed(const char *kernel, unsigned arch, unsigned loop, cubin_counts *c)
{
    char line[LINE], name[64], place[16], want[16];
    unsigned of_arch;
    snprintf(want, sizeof want, loop == 0 ? "all" : "loop%u", loop);
    rewind(table);
    while (fgets(line, sizeof line, table) != NULL)
        if (sscanf(line, "%63s %u %15s %u %u %u %u %u %u", name, &of_arch, place, &c->all, &c->alu,
                   &c->fma, &c->shared, &c->global, &c->tensor) == 9 &&
            strcmp(name, kernel) == 0 && of_arch == arch && strcmp(place, want) == 0)
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
               grew(now->fma, before.fma) || grew(now->shared, before.shared) ||
               grew(now->global, before.global) || grew(now->tensor, before.tensor)) {
        printf("grew to\n  %s\nfrom\n", row);
        row_text(row, kernel, arch, loop, &before);
        printf("  %s\n", row);
        wrong++;
    }
}

/* What the bounds of the design are stated in. */
static void say_work(const cubin_kernel *k, unsigned arch)
{
    for (size_t i = 0; i < sizeof WORK / sizeof WORK[0]; i++) {
        if (strcmp(WORK[i].kernel, k->name) != 0)
            continue;
        for (unsigned j = 0; j < k->loops; j++)
            if (k->loop[j].all >= WORK[i].alu_bound && k->loop[j].shared == 0)
                printf("%s sm_%u loop%u: per byte %.2f ALU (bound %.2f), %.2f FMA, %.2f in all\n",
                       k->name, arch, j + 1, (double)k->loop[j].alu / WORK[i].bytes,
                       (double)WORK[i].alu_bound / WORK[i].bytes,
                       (double)k->loop[j].fma / WORK[i].bytes,
                       (double)k->loop[j].all / WORK[i].bytes);
    }
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

static void check_file(const char *path)
{
    cubin_kernel *kernels;
    const unsigned arch = arch_of(path);
    const int n = cubin_read(path, arch, &kernels);
    if (n <= 0) {
        printf("%s: no cubin\n", path);
        wrong++;
    }
    for (int i = 0; i < n; i++) {
        if (kernels[i].whole.local != 0) {
            printf("%s: %s uses local memory\n", path, kernels[i].name);
            wrong++;
        }
        check(kernels[i].name, arch, 0, &kernels[i].whole);
        for (unsigned j = 0; j < kernels[i].loops; j++)
            check(kernels[i].name, arch, j + 1, &kernels[i].loop[j]);
        say_work(&kernels[i], arch);
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
        fprintf(table, "%s# kernel       arch place    all   alu   fma shared global tensor\n",
                head);
    else if (fgets(first, sizeof first, table) != NULL)
        same_release = strcmp(first, head) == 0;
    for (int i = 4; i < argc; i++)
        check_file(argv[i]);
    fclose(table);
    printf("%u counts compared, %u wrong%s\n", compared, wrong,
           write_table || same_release ? "" : " (the table is of another nvcc)");
    return wrong != 0;
}
