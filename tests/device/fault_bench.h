/* What tests of failing calls share: a device on a shim beside the CPU, and the loops in which call
 * after call fails. */
#ifndef PARSEAL_TESTS_FAULT_BENCH_H
#define PARSEAL_TESTS_FAULT_BENCH_H

#include <inttypes.h>

#include "check.h"
#include "shim.h"

/* The backend that is tested, and the library of its runtime. */
typedef struct {
    const char *name, *library;
    int32_t backend;
    const char *variable, *first; /* what names its device, and its first device */
} fault_subject;

extern const fault_subject *tested;
extern shim_functions shim;

/* Finds both by the backend's name. False, and says so, where there is no such backend or its
 * library is no shim. */
bool fault_subject_find(const char *name);

/* Which call fails now, for whoever reads that a test has failed. */
extern uint64_t failing;

#define ensure(what)                                                                         \
    do {                                                                                     \
        if (!(what))                                                                         \
            fail_msg("not so where call %" PRIu64 ", %s, fails: %s", failing, shim.failed(), \
                     #what);                                                                 \
    } while (0)

/* ------------------------------------------------------------------------------------- sides -- */

enum { KEYS = 2, SEEDS = 3 };

/* One backend's context and what was made in it. */
typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds;
} side;

extern uint8_t key_bytes[KEYS * PARSEAL_AES256GCM_KEYBYTES];
extern const parseal_seed seed_list[SEEDS];

/* The device that fails, and the CPU, which says what is right. */
extern side device, cpu;

parseal_status side_open(side *s, int32_t backend);
void side_fill(side *s);
void side_close(side *s);

/* ------------------------------------------------------------------------------------- loops -- */

/* Makes calls and looks at what holds whatever happens; all is right where it returns PARSEAL_OK.
 */
typedef parseal_status (*work)(void);

/* Whether a call has failed by now; an error that is not due to that is one too many. */
bool met_failure(parseal_status status);

/* Every step-th call of `run` fails, once with and once without such work between: what the work
 * then finds is what a failure has left. */
void fail_some(const char *what, work run, uint64_t step);
void fail_all(const char *what, work run);

#endif
