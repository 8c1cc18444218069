/* What the tests of this folder that choose among devices share: they shape the machine by the
 * environment (fake_cuda.cpp) while they run. */
#ifndef PARSEAL_TESTS_MACHINES_H
#define PARSEAL_TESTS_MACHINES_H

#include "check.h"
#include "fake_cuda.h"

/* What the emulated driver tells; false where libcuda.so.1 is another. */
extern struct machine {
    uint64_t (*launches)(const char *kernel);
    uint64_t (*wrong)(void);
    uint64_t (*freed_unwiped)(void);
    uint64_t (*found)(const void *bytes, uint64_t size);
} machine;
bool machine_find(void);

/* For the rest of the test; NULL: as it was in the beginning. */
void machine_set(const char *variable, const char *value);

/* Setup of every test: nothing is set. */
int machine_reset(void **state);

parseal_status open_ctx(parseal_ctx **ctx, int32_t backend);

/* A batch of messages and an accumulator, sealed and masked. Equal inputs each time. */
enum { MACHINE_MESSAGES = 5, MACHINE_LONG = 150001, MACHINE_COUNT = 3001 };
typedef struct {
    uint8_t in[MACHINE_MESSAGES][MACHINE_LONG], out[MACHINE_MESSAGES][MACHINE_LONG];
    parseal_msg msgs[MACHINE_MESSAGES];
    uint32_t acc[MACHINE_COUNT];
} machine_work;

void machine_run(machine_work *w, parseal_ctx *ctx);

/* The results are the same. */
void machine_same(const machine_work *a, const machine_work *b);

/* Once more, on a context that is then closed: they are those of the CPU. */
void machine_check(parseal_ctx *ctx);

#endif
