#include "rng.h"

#include "run.h"

rng rng_for(const char *name)
{
    rng r = {run_seed()};
    for (; *name != '\0'; name++)
        r.state = (r.state ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return r;
}

uint64_t rng_u64(rng *r)
{
    r->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = r->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t rng_below(rng *r, uint64_t n)
{
    return rng_u64(r) % n;
}

uint64_t rng_range(rng *r, uint64_t from, uint64_t to)
{
    return from + rng_below(r, to - from + 1);
}

void rng_fill(rng *r, void *p, size_t n)
{
    uint8_t *bytes = p;
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++, word >>= 8) {
        if (i % 8 == 0)
            word = rng_u64(r);
        bytes[i] = (uint8_t)word;
    }
}
