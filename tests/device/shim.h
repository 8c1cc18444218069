/* A runtime of a GPU's that fails one of its calls when told to, and counts what it has handed out.
 *
 * It is a shared library of its own, which the library and the test load alike:
 * tests/opencl/shim.c, which hands every call on to the real libOpenCL, or tests/emu/fake_cuda.cpp,
 * which is a libcuda in itself. */
#ifndef PARSEAL_TESTS_SHIM_H
#define PARSEAL_TESTS_SHIM_H

#include <stdbool.h>
#include <stdint.h>

/* Counts calls from 1 on; the n-th fails. 0: none does. */
void shim_fail_at(uint64_t n);

/* Calls since shim_fail_at. */
uint64_t shim_calls(void);

/* The one that has failed since, "" where none has. */
const char *shim_failed(void);

/* Objects, events, maps and memory that have been made and not yet given back, ever. */
int64_t shim_live(void);

/* How often somebody has waited for the device, ever. */
uint64_t shim_waits(void);

/* The same functions, found at run time. */
typedef struct {
    void (*fail_at)(uint64_t n);
    uint64_t (*calls)(void);
    const char *(*failed)(void);
    int64_t (*live)(void);
    uint64_t (*waits)(void);
} shim_functions;

/* False where the library of that name is no shim, but a real one. It stays loaded. */
bool shim_find(const char *library, shim_functions *shim);

#endif
