/* Candidates of format `fcp-aes256ctr` (parseal/fcp.h), which are big-endian numbers side by side
 * in the keystream. Constant time: branches and addresses depend on places only. */
#ifndef PARSEAL_KERNELS_FCP_H
#define PARSEAL_KERNELS_FCP_H

#include "kernels/common/launch.h"

/* A group of 16 candidates takes as many AES blocks as a candidate has bytes. */
enum { FCP_GROUP = 16 };

FN u32 fcp_swap_bytes(u32 x)
{
    return x >> 24 | (x >> 8 & 0xff00) | (x << 8 & 0xff0000) | x << 24;
}

/* Returns four bytes, the first the most significant, from byte `at` of n little-endian words on.
 * Bytes beyond the last word are zeros. */
FN u32 fcp_four_bytes(const u32 *w, u32 n, u32 at)
{
    const u32 i = at / 4, low = i < n ? w[i] : 0, high = i + 1 < n ? w[i + 1] : 0;
    return fcp_swap_bytes((u32)(((u64)high << 32 | low) >> (8 * (at % 4))));
}

/* Returns the big-endian number in `bytes` bytes, 1 to 8, from byte `at` on. */
FN u64 fcp_candidate(const u32 *w, u32 n, u32 at, u32 bytes)
{
    const u32 first = fcp_four_bytes(w, n, at);
    if (bytes <= 4)
        return first >> (32 - 8 * bytes);
    return (u64)first << (8 * (bytes - 4)) | fcp_four_bytes(w, n, at + 4) >> (64 - 8 * bytes);
}

#endif
