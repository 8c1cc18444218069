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

#include "kernels/common/cuda_kernels.h"

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

static unsigned wrong;

static bool allowed(const char *kernel, const char *arch)
{
    for (size_t i = 0; i < sizeof ALLOWED / sizeof ALLOWED[0]; i++)
        if (ALLOWED[i].kernel != NULL && strcmp(ALLOWED[i].kernel, kernel) == 0 &&
            (ALLOWED[i].arch[0] == '\0' || strcmp(ALLOWED[i].arch, arch) == 0))
            return true;
    return false;
}

static void check_frame(const char *line, const char *kernel, const char *arch)
{
    unsigned stack, stores, loads;
    if (sscanf(line, " %u bytes stack frame, %u bytes spill stores, %u bytes spill loads", &stack,
               &stores, &loads) != 3 ||
        stack + stores + loads == 0 || allowed(kernel, arch))
        return;
    printf("%s (%s): %s", kernel, arch, line);
    wrong++;
}

static void check_registers(unsigned registers, const char *kernel, const char *arch,
                            bool seen[N_KERNELS])
{
    printf("%-16s %-7s %3u registers\n", kernel, arch, registers);
    for (size_t i = 0; i < N_KERNELS; i++) {
        if (strcmp(KERNELS[i].kernel, kernel) != 0)
            continue;
        seen[i] = true;
        if ((registers + 7) / 8 * 8 * KERNELS[i].threads > REGISTERS) {
            printf("%s (%s): a block does not fit\n", kernel, arch);
            wrong++;
        }
    }
}

/* Every kernel of the program has to be in its file. */
static void check_file(const char *path)
{
    char line[LINE], kernel[LINE] = "", arch[LINE] = "";
    bool seen[N_KERNELS] = {false};
    const char *slash = strrchr(path, '/'), *file = slash != NULL ? slash + 1 : path;
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        wrong++;
        return;
    }
    while (fgets(line, sizeof line, f) != NULL) {
        const char *used = strstr(line, ": Used ");
        unsigned registers;
        (void)sscanf(line, "ptxas info : Compiling entry function '%[^']' for '%[^']'", kernel,
                     arch);
        check_frame(line, kernel, arch);
        if (used != NULL && sscanf(used, ": Used %u registers", &registers) == 1)
            check_registers(registers, kernel, arch, seen);
    }
    fclose(f);
    for (size_t i = 0; i < N_KERNELS; i++) {
        const size_t length = strlen(KERNELS[i].program);
        if (strncmp(file, KERNELS[i].program, length) == 0 && file[length] == '.' && !seen[i]) {
            printf("%s: nothing about %s\n", path, KERNELS[i].kernel);
            wrong++;
        }
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
    printf("%d files, %u wrong\n", argc - 1, wrong);
    return wrong != 0;
}
