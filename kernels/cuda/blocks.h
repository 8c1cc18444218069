/* A warp's 32 neighbouring blocks of keystream, 2 KiB. Each lane makes a block, and hands it over
 * through shared memory, so that lanes load and store elements that lie beside each other.
 *
 * The blocks are 128 pieces of 16 bytes. The place of piece p depends on p alone, and eight lanes
 * that put a piece each, and eight that get one each, meet all banks. Constant time. */
#ifndef PARSEAL_KERNELS_BLOCKS_H
#define PARSEAL_KERNELS_BLOCKS_H

#include "kernels/cuda/device.h"

enum { WARP_PIECES = 128 };

FN u32 piece_place(u32 piece)
{
    const u32 warp = thread_id() / 32;
    return WARP_PIECES * warp + (piece ^ (piece >> 3 & 3));
}

/* Puts the lane's block; after a warp_sync any lane may get any piece. */
template <class Pieces> FN void put_block(Pieces &pieces, const u32 x[16])
{
    UNROLL
    for (u32 k = 0; k < 4; k++) {
        uint4 piece;
        piece.x = x[4 * k];
        piece.y = x[4 * k + 1];
        piece.z = x[4 * k + 2];
        piece.w = x[4 * k + 3];
        pieces[piece_place(4 * lane_id() + k)] = piece;
    }
}

template <class Pieces> FN uint4 get_piece(Pieces &pieces, u32 piece)
{
    return pieces[piece_place(piece)];
}

template <class Pieces> FN u32 get_word(Pieces &pieces, u32 word)
{
    const uint4 piece = get_piece(pieces, word / 4);
    const u32 low = word & 1 ? piece.y : piece.x, high = word & 1 ? piece.w : piece.z;
    return word & 2 ? high : low;
}

/* Returns words 2 i and 2 i + 1 as one. */
template <class Pieces> FN u64 get_pair(Pieces &pieces, u32 i)
{
    const uint4 piece = get_piece(pieces, i / 2);
    const u32 low = i & 1 ? piece.z : piece.x, high = i & 1 ? piece.w : piece.y;
    return (u64)high << 32 | low;
}

FN uint4 no_piece(void)
{
    uint4 zeros;
    zeros.x = zeros.y = zeros.z = zeros.w = 0;
    return zeros;
}

/* The keystream that is left in shared memory is a secret, so nothing of it stays. */
template <class Pieces> FN void wipe_block(Pieces &pieces)
{
    u32 zeros[16];
    UNROLL
    for (int i = 0; i < 16; i++)
        zeros[i] = 0;
    put_block(pieces, zeros);
}

#endif
