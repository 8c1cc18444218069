/* No CUDA kernel spills registers or has a stack frame, and every one fits a multiprocessor.
 *
 *   test_cuda_registers RELEASE PROGRAM.ARCHITECTURE.cubin.txt...
 *
 * The files are what ptxas -v said when the kernels were built, by nvcc RELEASE. Carry-less
 * multiplication is known to nvcc 13.3 and later for 8.0 and later: else there are no kernels with
 * it.
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

/* The files of kernels with carry-less multiplications that have them. */
static unsigned clmad_files;

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

/* The 90 of "folder/mask.90.cubin.txt"; 0 for other names */
static unsigned arch_of(const char *path, const char *program)
{
    const char *name = strrchr(path, '/');
    unsigned arch = 0;
    name = name != NULL ? name + 1 : path;
    if (strncmp(name, program, strlen(program)) != 0 ||
        sscanf(name + strlen(program), ".%u.cubin.txt", &arch) != 1)
        return 0;
    return arch;
}

static bool knows_clmad(const char *release)
{
    unsigned major = 0, minor = 0;
    return sscanf(release, "%u.%u", &major, &minor) == 2 &&
           (major > 13 || (major == 13 && minor >= 3));
}

/* Every such program has as many files. */
static bool has_clmad(const char *program)
{
    return strcmp(program, "ghash_clmad") == 0 || strcmp(program, "aead_seal") == 0;
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
        const bool clmad = has_clmad(KERNELS[k].program);
        const unsigned expected = clmad ? clmad_files : archs;
        if (with_registers[k] == expected && with_frame[k] == expected)
            continue;
        printf("%s: registers in %u files, stack frame in %u, both expected in %u\n",
               KERNELS[k].kernel, with_registers[k], with_frame[k], expected);
        wrong++;
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s RELEASE LOG...\n", argv[0]);
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        check_file(argv[i]);
        clmad_files += knows_clmad(argv[1]) && arch_of(argv[i], "ghash_clmad") >= 80;
    }
    check_complete((unsigned)argc - 2);
    printf("%d files, %u wrong\n", argc - 2, wrong);
    return wrong != 0;
}
