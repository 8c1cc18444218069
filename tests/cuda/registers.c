/* No CUDA kernel spills registers or has a stack frame, and every one fits a multiprocessor.
 *
 *   test_cuda_registers PROGRAM.ARCHITECTURE.cubin.txt...
 *
 * The files are what ptxas -v said when the kernels were built.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

enum { LINE = 1024, REGISTERS = 65536 };

/* Kernels that may have a stack frame or spill, and why: none. A row: name, architecture ("" for
 * all), reason. */
static const struct {
    const char *kernel, *arch, *reason;
} ALLOWED[] = {
    {NULL, NULL, NULL},
};

static const struct {
    const char *program, *kernel;
    unsigned threads;
} KERNELS[] = {
#define ROW(program, kernel, threads, shared, items) {#program, #kernel, threads},
    CUDA_KERNELS(ROW)
#undef ROW
};

enum { N_KERNELS = sizeof KERNELS / sizeof KERNELS[0] };

/* Logs that say how many registers a kernel has, and how large its stack frame is. */
static unsigned with_registers[N_KERNELS], with_frame[N_KERNELS];
static unsigned wrong;

static void fail(const char *kernel, const char *arch, const char *what)
{
    printf("%s (%s): %s\n", kernel, arch, what);
    wrong++;
}

static bool allowed(const char *kernel, const char *arch)
{
    for (size_t i = 0; i < sizeof ALLOWED / sizeof ALLOWED[0]; i++)
        if (ALLOWED[i].kernel != NULL && strcmp(ALLOWED[i].kernel, kernel) == 0 &&
            (ALLOWED[i].arch[0] == '\0' || strcmp(ALLOWED[i].arch, arch) == 0))
            return true;
    return false;
}

/* N_KERNELS where it is none of ours. */
static size_t number_of(const char *kernel)
{
    size_t k = 0;
    while (k < N_KERNELS && strcmp(KERNELS[k].kernel, kernel) != 0)
        k++;
    return k;
}

static void check_frame(const char *line, const char *kernel, const char *arch)
{
    const size_t k = number_of(kernel);
    unsigned stack, stores, loads;
    if (sscanf(line, " %u bytes stack frame, %u bytes spill stores, %u bytes spill loads", &stack,
               &stores, &loads) != 3)
        return;
    if (k < N_KERNELS)
        with_frame[k]++;
    if (stack + stores + loads != 0 && !allowed(kernel, arch))
        fail(kernel, arch, line);
}

static void check_registers(const char *line, const char *kernel, const char *arch)
{
    const char *used = strstr(line, ": Used ");
    const size_t k = number_of(kernel);
    unsigned registers;
    if (used == NULL || sscanf(used, ": Used %u registers", &registers) != 1)
        return;
    printf("%-16s %-7s %3u registers\n", kernel, arch, registers);
    if ((strstr(used, "lmem") != NULL || strstr(used, "stack") != NULL) && !allowed(kernel, arch))
        fail(kernel, arch, line);
    if (k == N_KERNELS) {
        fail(kernel, arch, "not in CUDA_KERNELS");
        return;
    }
    with_registers[k]++;
    if ((registers + 7) / 8 * 8 * KERNELS[k].threads > REGISTERS)
        fail(kernel, arch, "a block does not fit");
}

static void check_file(const char *path)
{
    char line[LINE], kernel[LINE] = "", arch[LINE] = "";
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        wrong++;
        return;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "ptxas info : Compiling entry function '%[^']' for '%[^']'", kernel,
                     arch);
        check_frame(line, kernel, arch);
        check_registers(line, kernel, arch);
    }
    fclose(f);
}

/* Kernels of the same program follow each other. */
static unsigned count_programs(void)
{
    unsigned n = 1;
    for (size_t k = 1; k < N_KERNELS; k++)
        n += strcmp(KERNELS[k].program, KERNELS[k - 1].program) != 0;
    return n;
}

/* The same number of files for every program: one for each architecture. */
static void check_complete(unsigned files)
{
    const unsigned archs = files / count_programs();
    if (files != archs * count_programs()) {
        printf("%u files of %u programs\n", files, count_programs());
        wrong++;
    }
    for (size_t k = 0; k < N_KERNELS; k++) {
        if (with_registers[k] == archs && with_frame[k] == archs)
            continue;
        printf("%s: registers in %u files, stack frame in %u, both expected in %u\n",
               KERNELS[k].kernel, with_registers[k], with_frame[k], archs);
        wrong++;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s LOG...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        check_file(argv[i]);
    check_complete((unsigned)argc - 1);
    printf("%d files, %u wrong\n", argc - 1, wrong);
    return wrong != 0;
}
