/* What the lanes of a warp do together. All members are there when one of these runs. */
#include <cstring>

#include "machine.h"

namespace ptx
{

namespace
{

/* From which lane a lane takes its value, after the manual's text of shfl.sync. Returns whether
 * that is one of its segment; else it takes its own. */
bool source_lane(u8 mode, u32 lane, u32 b, u32 c, u32 *from)
{
    const u32 distance = b & 31, clamp = c & 31, segment = c >> 8 & 31;
    const u32 last = (lane & segment) | (clamp & ~segment), first = lane & segment;
    s32 j = 0;
    switch (mode) {
    case UP:
        j = (s32)lane - (s32)distance;
        break;
    case DOWN:
        j = (s32)(lane + distance);
        break;
    case BUTTERFLY:
        j = (s32)(lane ^ distance);
        break;
    default:
        j = (s32)(first | (distance & ~segment));
    }
    const bool inside = mode == UP ? j >= (s32)last : j <= (s32)last;
    *from = inside ? (u32)j : lane;
    return inside;
}

} // namespace

void shuffle(warp &w, const instruction &i)
{
    const u32 *b = w.at<u32>(i.from[1]), *c = w.at<u32>(i.from[2]);
    u32 *to = w.at<u32>(i.to[0]);
    u32 given[WARP], inside = 0;
    std::memcpy(given, w.at<u32>(i.from[0]), sizeof given); /* `to` may be the same row */
    each(w.running, [&](u32 l) {
        u32 from = 0;
        inside |= (u32)source_lane(i.mode, l, b[l], c[l], &from) << l;
        if ((w.running >> from & 1) == 0)
            fail(i, "lane %u takes from lane %u, which takes no part", l, from);
        to[l] = given[from];
    });
    if (i.sets >= 0)
        set_predicate(w, i.sets, inside);
}

void vote_ballot(warp &w, const instruction &i)
{
    const u32 votes = lanes_where(w, i.p[0]) & w.running;
    u32 *to = w.at<u32>(i.to[0]);
    each(w.running, [&](u32 l) { to[l] = votes; });
}

void vote_any(warp &w, const instruction &i)
{
    set_predicate(w, i.sets, (lanes_where(w, i.p[0]) & w.running) != 0 ? ALL_LANES : 0u);
}

void vote_all(warp &w, const instruction &i)
{
    set_predicate(w, i.sets, (~lanes_where(w, i.p[0]) & w.running) == 0 ? ALL_LANES : 0u);
}

/* The manual's "Matrix Fragments for mma.m16n8k256": of lane 4 g + t, bit k of a row or a column is
 * bit k % 32 of a word, and these words are
 *   A  register 0: row g, word t          B  register 0: column g, word t
 *      register 1: row g + 8, word t         register 1: column g, word t + 4
 *      registers 2 and 3: word t + 4 of the same two rows
 *   C and D  registers 0 and 1: row g, columns 2 t and 2 t + 1; 2 and 3: row g + 8
 * The matrices are put together from this, not lane by lane as in kernels/cuda/ptx.h. */
void mma_and_popc(warp &w, const instruction &i)
{
    u32 a[16][8], b[8][8], c[16][8]; /* rows of A, columns of B */
    if (w.running != ALL_LANES)
        fail(i, "a product of matrices by the lanes %08x alone", w.running);
    for (u32 l = 0; l < WARP; l++) {
        const u32 g = l / 4, t = l % 4;
        for (u32 n = 0; n < 4; n++)
            a[g + 8 * (n % 2)][t + 4 * (n / 2)] = w.at<u32>(i.from[n])[l];
        for (u32 n = 0; n < 2; n++)
            b[g][t + 4 * n] = w.at<u32>(i.from[4 + n])[l];
        for (u32 n = 0; n < 4; n++)
            c[g + 8 * (n / 2)][2 * t + n % 2] = w.at<u32>(i.from[6 + n])[l];
    }
    for (u32 row = 0; row < 16; row++)
        for (u32 column = 0; column < 8; column++)
            for (u32 word = 0; word < 8; word++)
                c[row][column] += (u32)__builtin_popcount(a[row][word] & b[column][word]);
    for (u32 l = 0; l < WARP; l++)
        for (u32 n = 0; n < 4; n++)
            w.at<u32>(i.to[n])[l] = c[l / 4 + 8 * (n / 2)][2 * (l % 4) + n % 2];
}

} // namespace ptx
