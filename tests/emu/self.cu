/* Kernels that try the emulator: what warps and blocks do together, and what no kernel may do. */
#include "kernels/cuda/ptx.h"

#define SELF_KERNELS(X)        \
    X(self, collect, 64, 0, 0) \
    X(self, matrix, 32, 0, 0)  \
    X(self, reverse, 96, 0, 0) \
    X(self, permute, 32, 0, 0) \
    X(self, misuse, 64, 0, 0)

/* Three words for each thread. */
KERNEL(64, 1) collect(u32 *out)
{
    u32 *own = out + 3 * (block_threads() * block_id() + thread_id());
    own[0] = warp_shuffle(100 + thread_id(), lane_id() + 5);
    own[1] = warp_shuffle_xor(thread_id(), 3);
    own[2] = warp_ballot(thread_id() % 3 == 0) + (warp_any(thread_id() == 40) << 31);
}

KERNEL(32, 1) matrix(const u32 *a, const u32 *b, u32 *c)
{
    const u32 l = lane_id();
    u32 sum[4] = {c[4 * l], c[4 * l + 1], c[4 * l + 2], c[4 * l + 3]};
    mma_b1_and_popc(sum, a + 4 * l, b + 2 * l);
    for (u32 i = 0; i < 4; i++)
        c[4 * l + i] = sum[i];
}

KERNEL(96, 1) reverse(u32 *data, u32 times)
{
    DYNAMIC_SHARED(u32, words);
    const u32 own = thread_id(), other = block_threads() - 1 - own;
    for (u32 i = 0; i < times; i++) {
        words[own] = data[own];
        block_sync();
        data[own] = words[other];
        block_sync();
    }
}

KERNEL(32, 1) permute(const u32 *in, u32 *out)
{
    out[0] = byte_permute(in[0], in[1], in[2]);
    out[1] = dot_bytes(in[0], in[1], in[2]);
}

enum {
    FINE,
    UNWRITTEN,
    RACE_WRITE_READ,
    RACE_READ_WRITE,
    RACE_WRITE_WRITE,
    RACE_IN_WARP,
    RACE_OF_READERS,
    RACE_PAST_BALLOT,
    NO_BARRIER,
    OTHER_BARRIER,
    NO_LANE,
    BEYOND,
    UNALIGNED
};

KERNEL(64, 1) misuse(u32 what, u32 *out)
{
    SHARED(u32, words, 64);
    const u32 i = thread_id();
    words[i] = i;
    if (what != UNWRITTEN)
        block_sync();
    if (what == RACE_WRITE_READ && i == 0)
        words[0] = 1;
    out[i] = words[what == RACE_IN_WARP ? i : what == RACE_OF_READERS ? 5 : 63 - i];
    if (what == RACE_READ_WRITE && i == 40)
        words[i] = 1;
    if (what == RACE_WRITE_WRITE && i % 32 == 0)
        words[7] = i;
    if (what == RACE_IN_WARP)
        words[i ^ 1] = 5;
    if (what == RACE_OF_READERS && i == 63)
        words[5] = 1;
    if (what == NO_BARRIER && i == 50)
        return;
    if (what == OTHER_BARRIER && i < 32)
        block_sync();
    else
        block_sync();
    if (what == RACE_PAST_BALLOT) {
        words[i] = 2;
        out[i] = warp_ballot(i > 0);
        out[i] += words[i ^ 1];
    }
    if (what != NO_LANE || i != 9)
        warp_sync();
    if (what == BEYOND && i == 3)
        words[64] = 1;
    if (what == UNALIGNED)
        out[i] = load_streaming((const u8 *)out + 4).x;
}
