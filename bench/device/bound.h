/* The rate that the hardware sets: what a kernel's method takes of each pipe, scaled by
 * multiprocessors and clock. Instructions are counted in the machine code for compute capability
 * 9.0 (tests/cuda/instructions.txt); other cards get the same counts, and the rates of their own
 * shared memory. What no pipe asks for, such as latency, is left out: a kernel comes near to its
 * bound, and does not reach it. */
#ifndef PARSEAL_BENCH_DEVICE_BOUND_H
#define PARSEAL_BENCH_DEVICE_BOUND_H

#include "bench/device/device.h"

enum bound_kind {
    BOUND_NONE,
    BOUND_AES128_CTR,
    BOUND_AES256_CTR,
    BOUND_GHASH_CLMAD,
    BOUND_GHASH_MMA,
    BOUND_GHASH_INTEGER,
    BOUND_AES128_SEAL_LONG, /* messages long enough for tensor cores */
    BOUND_AES256_SEAL_LONG,
    BOUND_AES256_SEAL_SHORT, /* and a key for each */
    BOUND_AES256_OPEN_LONG,
    BOUND_AES256_OPEN_SHORT,
    BOUND_CHACHA20,       /* masks mod 2^k */
    BOUND_CHACHA20_PRIME, /* masks mod a prime */
    BOUND_MEMORY,         /* bytes read and written, against the memory's own peak */
    BOUND_COPY,           /* bytes read and written, against the measured copy */
    BOUND_QUANTIZE,       /* like BOUND_COPY, or the keystream: the element's bytes twice */
    BOUND_LINK,           /* host to host, against the slower measured direction */
    BOUND_BOTH_LINKS      /* both directions at once, against the sum of each by itself */
};

/* The rates that have been measured so far, in GB/s; 0: not yet. */
struct measured_rates {
    double device_copy; /* bytes read and written */
    double host_to_device, device_to_host;
};

struct bound {
    double gbps; /* 0: not known */
    const char *why;
};

struct bound bound_of(enum bound_kind kind, const struct device *d,
                      const struct measured_rates *measured);

#endif
