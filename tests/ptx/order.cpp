/* The order in which lanes, warps and blocks go on. PARSEAL_PTX_SEED=n: the n-th of all that the
 * manual allows. Without it the lanes of a warp stay together as far as they can, and warps and
 * blocks run in the order of their numbers. */
#include <cstdlib>

#include "machine.h"

namespace ptx
{

namespace
{

bool seeded;
u64 state, launches;

/* SplitMix64 */
u64 next()
{
    u64 x = state += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

} // namespace

void begin_order()
{
    const char *seed = std::getenv("PARSEAL_PTX_SEED");
    seeded = seed != nullptr;
    if (seeded)
        state = std::strtoull(seed, nullptr, 10) + (launches++ << 32);
}

bool is_seeded()
{
    return seeded;
}

u64 drawn(u64 below)
{
    return next() % below;
}

/* Each lane comes into one of the parts, of which some stay empty. */
void draw_parts(warp &w)
{
    w.part[0] = ALL_LANES;
    for (u32 n = 1; n < PARTS; n++) {
        w.part[n] = w.part[0] & (u32)next() & (u32)(next() >> 32);
        w.part[0] &= ~w.part[n];
    }
}

} // namespace ptx
