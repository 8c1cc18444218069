/* What threads of different kernels change in one place, and then go on with. Under
 * PARSEAL_EMULATOR no two kernels run at once. */
#ifndef PARSEAL_KERNELS_CUDA_ATOMIC_H
#define PARSEAL_KERNELS_CUDA_ATOMIC_H

#include "kernels/cuda/device.h"

/* Adds 1 to *p, and returns what it was before. */
FN u64 atomic_next64(u64 *p)
{
#if defined(PARSEAL_EMULATOR)
    const u64 before = *p;
    *p = before + 1;
    return before;
#else
    return atomicAdd((unsigned long long *)p, 1ull);
#endif
}

/* Makes *p `after` if it is `before`, and returns what it was. */
FN u64 atomic_replace64(u64 *p, u64 before, u64 after)
{
#if defined(PARSEAL_EMULATOR)
    const u64 found = *p;
    *p = found == before ? after : found;
    return found;
#else
    return atomicCAS((unsigned long long *)p, (unsigned long long)before,
                     (unsigned long long)after);
#endif
}

#endif
