/* Words of a little-endian bit stream of b-bit elements, format 4.4. Branches depend on positions
 * only. */
#ifndef PARSEAL_KERNELS_PACK_H
#define PARSEAL_KERNELS_PACK_H

#include "kernels/common/target.h"

/* b ones; 1 <= b <= 64 */
FN u64 pack_ones(u32 bits)
{
    return ~(u64)0 >> (64 - bits);
}

/* x moved up by `by` bits, or down where that is negative; |by| < 64 */
FN u64 pack_move(u64 x, i32 by)
{
    return by >= 0 ? x << by : x >> -by;
}

#endif
