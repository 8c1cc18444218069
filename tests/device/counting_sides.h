/* What the tests of what counts share: a context on the device and one on the CPU, and memory of
 * the device with one on the host beside it. */
#ifndef PARSEAL_TESTS_COUNTING_SIDES_H
#define PARSEAL_TESTS_COUNTING_SIDES_H

#include "device_kind.h"
#include "graphs.h"
#include "rng.h"

#define PER_THREAD ((void *)(uintptr_t)2)

/* Made once for all tests of a program, as each context on an emulated device takes a while. */
extern struct counting_sides {
    parseal_ctx *ctx, *cpu; /* ctx is on the device, and so are these two: */
    uint64_t memory;
    void *stream;
    void *host, *back; /* what the memory held before calls, and what it holds after them */
    uint64_t size;     /* of each of the three */
    rng r;
} sides;

/* Opens them, if they are not open, and begins the random bytes of one test. */
void sides_open(void *host, void *back, uint64_t size, const char *seed);

/* Fills host with random bytes, and writes them to the memory. */
void sides_renew(void);

/* Waits for all work, and reads what the memory holds into back. */
void sides_fetch(void);

/* Runs the suite and closes the sides. Returns what main should return. */
int sides_suite(const char *name, const struct CMUnitTest *tests, size_t n);

#endif
