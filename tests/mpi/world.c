#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

world world_here(void)
{
    world w;
    MPI_Comm_rank(MPI_COMM_WORLD, &w.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &w.size);
    return w;
}

parseal_ctx *world_ctx(void)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1;
    check_mpi_ok(parseal_ctx_create(&ctx, &options), "parseal_ctx_create", __FILE__, __LINE__);
    return ctx;
}

void check_mpi_ok(parseal_status got, const char *call, const char *file, int line)
{
    if (got == PARSEAL_OK)
        return;
    print_error("rank %d: %s: %s: %s\n", world_here().rank, call, parseal_status_name(got),
                parseal_mpi_last_error_text());
    _fail(file, line);
}

void check_mpi_error(parseal_status got, parseal_status want, const char *text, const char *call,
                     const char *file, int line)
{
    if (got == want && strstr(parseal_mpi_last_error_text(), text) != NULL)
        return;
    print_error("rank %d: %s: %s (%s), expected %s with \"%s\"\n", world_here().rank, call,
                parseal_status_name(got), parseal_mpi_last_error_text(), parseal_status_name(want),
                text);
    _fail(file, line);
}

/* MPI never frees some of what it takes when it begins, so leaks are looked for between its
 * beginning and its end, and not at the process's (CMakeLists.txt, lsan.supp). */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKS_OFF() __lsan_disable()
#define LEAKS_ON()  __lsan_enable()
#define LEAKS()     __lsan_do_recoverable_leak_check()
#else
#define LEAKS_OFF() ((void)0)
#define LEAKS_ON()  ((void)0)
#define LEAKS()     0
#endif

int world_run(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t n)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1);
    LEAKS_OFF();
    MPI_Init(&argc, &argv);
    LEAKS_ON();
    printf("%s: rank %d of %d\n", name, world_here().rank, world_here().size);
    fflush(stdout);
    int result = run_suite(name, tests, n);
    if (result == 0)
        result = LEAKS();
    if (result != 0)
        MPI_Abort(MPI_COMM_WORLD, result);
    MPI_Finalize();
    return result;
}
