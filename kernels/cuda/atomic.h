/* What threads add to one place together, and then go on with. Under PARSEAL_EMULATOR threads of
 * different blocks and warps never run at once. */
#ifndef PARSEAL_KERNELS_CUDA_ATOMIC_H
#define PARSEAL_KERNELS_CUDA_ATOMIC_H

#include "kernels/cuda/device.h"

/* Adds 1 to *p, and returns what it was before. */
FN u64 atomic_next64(u64 *p)
{
#if defined(PARSEAL_EMULATOR)
    const u64 before = *p;
    atomic_add64(p, 1);
    return before;
#else
    return atomicAdd((unsigned long long *)p, 1ull);
#endif
}

#endif
