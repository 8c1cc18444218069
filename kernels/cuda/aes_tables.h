/* AES by tables (Daemen and Rijmen, section 4.2) that are safe to index by secrets.
 *
 * T0[x] = (2 S(x), S(x), S(x), 3 S(x)) from the low byte on; T1, T2 and T3 are T0 rotated by 8, 16
 * and 24. A kernel keeps all four tables (wide), or only T0 and rotates what it reads. The last
 * round takes S from T0's second byte.
 *
 * Constant time: word k of a table is kept 32 times, once in each bank of the shared memory, and
 * lane l reads copy l only. So no two lanes of a warp ever meet in a bank, and a lookup takes the
 * same time whatever its index. The words below are read in the order of their places, while the
 * tables are filled.
 */
#ifndef PARSEAL_KERNELS_CUDA_AES_TABLES_H
#define PARSEAL_KERNELS_CUDA_AES_TABLES_H

#include "kernels/cuda/device.h"
#include "kernels/cuda/ptx.h"

enum { TABLE_WORDS = 256 * 32 };

CONSTANT u32 aes_table0[256] = {
    0xa56363c6, 0x847c7cf8, 0x997777ee, 0x8d7b7bf6, 0x0df2f2ff, 0xbd6b6bd6, 0xb16f6fde, 0x54c5c591,
    0x50303060, 0x03010102, 0xa96767ce, 0x7d2b2b56, 0x19fefee7, 0x62d7d7b5, 0xe6abab4d, 0x9a7676ec,
    0x45caca8f, 0x9d82821f, 0x40c9c989, 0x877d7dfa, 0x15fafaef, 0xeb5959b2, 0xc947478e, 0x0bf0f0fb,
    0xecadad41, 0x67d4d4b3, 0xfda2a25f, 0xeaafaf45, 0xbf9c9c23, 0xf7a4a453, 0x967272e4, 0x5bc0c09b,
    0xc2b7b775, 0x1cfdfde1, 0xae93933d, 0x6a26264c, 0x5a36366c, 0x413f3f7e, 0x02f7f7f5, 0x4fcccc83,
    0x5c343468, 0xf4a5a551, 0x34e5e5d1, 0x08f1f1f9, 0x937171e2, 0x73d8d8ab, 0x53313162, 0x3f15152a,
    0x0c040408, 0x52c7c795, 0x65232346, 0x5ec3c39d, 0x28181830, 0xa1969637, 0x0f05050a, 0xb59a9a2f,
    0x0907070e, 0x36121224, 0x9b80801b, 0x3de2e2df, 0x26ebebcd, 0x6927274e, 0xcdb2b27f, 0x9f7575ea,
    0x1b090912, 0x9e83831d, 0x742c2c58, 0x2e1a1a34, 0x2d1b1b36, 0xb26e6edc, 0xee5a5ab4, 0xfba0a05b,
    0xf65252a4, 0x4d3b3b76, 0x61d6d6b7, 0xceb3b37d, 0x7b292952, 0x3ee3e3dd, 0x712f2f5e, 0x97848413,
    0xf55353a6, 0x68d1d1b9, 0x00000000, 0x2cededc1, 0x60202040, 0x1ffcfce3, 0xc8b1b179, 0xed5b5bb6,
    0xbe6a6ad4, 0x46cbcb8d, 0xd9bebe67, 0x4b393972, 0xde4a4a94, 0xd44c4c98, 0xe85858b0, 0x4acfcf85,
    0x6bd0d0bb, 0x2aefefc5, 0xe5aaaa4f, 0x16fbfbed, 0xc5434386, 0xd74d4d9a, 0x55333366, 0x94858511,
    0xcf45458a, 0x10f9f9e9, 0x06020204, 0x817f7ffe, 0xf05050a0, 0x443c3c78, 0xba9f9f25, 0xe3a8a84b,
    0xf35151a2, 0xfea3a35d, 0xc0404080, 0x8a8f8f05, 0xad92923f, 0xbc9d9d21, 0x48383870, 0x04f5f5f1,
    0xdfbcbc63, 0xc1b6b677, 0x75dadaaf, 0x63212142, 0x30101020, 0x1affffe5, 0x0ef3f3fd, 0x6dd2d2bf,
    0x4ccdcd81, 0x140c0c18, 0x35131326, 0x2fececc3, 0xe15f5fbe, 0xa2979735, 0xcc444488, 0x3917172e,
    0x57c4c493, 0xf2a7a755, 0x827e7efc, 0x473d3d7a, 0xac6464c8, 0xe75d5dba, 0x2b191932, 0x957373e6,
    0xa06060c0, 0x98818119, 0xd14f4f9e, 0x7fdcdca3, 0x66222244, 0x7e2a2a54, 0xab90903b, 0x8388880b,
    0xca46468c, 0x29eeeec7, 0xd3b8b86b, 0x3c141428, 0x79dedea7, 0xe25e5ebc, 0x1d0b0b16, 0x76dbdbad,
    0x3be0e0db, 0x56323264, 0x4e3a3a74, 0x1e0a0a14, 0xdb494992, 0x0a06060c, 0x6c242448, 0xe45c5cb8,
    0x5dc2c29f, 0x6ed3d3bd, 0xefacac43, 0xa66262c4, 0xa8919139, 0xa4959531, 0x37e4e4d3, 0x8b7979f2,
    0x32e7e7d5, 0x43c8c88b, 0x5937376e, 0xb76d6dda, 0x8c8d8d01, 0x64d5d5b1, 0xd24e4e9c, 0xe0a9a949,
    0xb46c6cd8, 0xfa5656ac, 0x07f4f4f3, 0x25eaeacf, 0xaf6565ca, 0x8e7a7af4, 0xe9aeae47, 0x18080810,
    0xd5baba6f, 0x887878f0, 0x6f25254a, 0x722e2e5c, 0x241c1c38, 0xf1a6a657, 0xc7b4b473, 0x51c6c697,
    0x23e8e8cb, 0x7cdddda1, 0x9c7474e8, 0x211f1f3e, 0xdd4b4b96, 0xdcbdbd61, 0x868b8b0d, 0x858a8a0f,
    0x907070e0, 0x423e3e7c, 0xc4b5b571, 0xaa6666cc, 0xd8484890, 0x05030306, 0x01f6f6f7, 0x120e0e1c,
    0xa36161c2, 0x5f35356a, 0xf95757ae, 0xd0b9b969, 0x91868617, 0x58c1c199, 0x271d1d3a, 0xb99e9e27,
    0x38e1e1d9, 0x13f8f8eb, 0xb398982b, 0x33111122, 0xbb6969d2, 0x70d9d9a9, 0x898e8e07, 0xa7949433,
    0xb69b9b2d, 0x221e1e3c, 0x92878715, 0x20e9e9c9, 0x49cece87, 0xff5555aa, 0x78282850, 0x7adfdfa5,
    0x8f8c8c03, 0xf8a1a159, 0x80898909, 0x170d0d1a, 0xdabfbf65, 0x31e6e6d7, 0xc6424284, 0xb86868d0,
    0xc3414182, 0xb0999929, 0x772d2d5a, 0x110f0f1e, 0xcbb0b07b, 0xfc5454a8, 0xd6bbbb6d, 0x3a16162c,
};

/* Rotates x to the left by count bytes; count is a constant, 0 to 3. */
FN u32 rotate_bytes(u32 x, u32 count)
{
    const u32 selector = count == 1 ? 0x2103 : count == 2 ? 0x1032 : count == 3 ? 0x0321 : 0x3210;
    return count == 0 ? x : byte_permute(x, x, selector);
}

/* Fills the tables, and ends with a barrier. */
template <bool wide, class Shared> FN void aes_fill_tables(Shared &table)
{
    for (u32 i = thread_id(); i < TABLE_WORDS; i += block_threads()) {
        const u32 word = aes_table0[i / 32];
        UNROLL
        for (u32 t = 0; t < (wide ? 4 : 1); t++)
            table[t * TABLE_WORDS + i] = rotate_bytes(word, t);
    }
    block_sync();
}

/* Returns where a lane's copies begin in the shared memory, in bytes. */
template <class Shared> FN u32 aes_own_copies(Shared &table)
{
    return shared_base(table) + 4 * lane_id();
}

/* Returns what table t has for byte `row` of a word. Words of a table are 128 bytes apart. The dot
 * product of the word's bytes with, say, (0, 128, 0, 0) finds byte 1's place in one instruction of
 * the multipliers' pipe, which has less to do than any other. */
template <u32 row, u32 t, class Shared> FN u32 aes_read(Shared &table, u32 word, u32 own)
{
    return load_shared(table, 4 * t * TABLE_WORDS + dot_bytes(word, (u32)128 << (8 * row), own));
}

/* Returns T_row of byte `row` of a word. */
template <bool wide, u32 row, class Shared> FN u32 aes_lookup(Shared &table, u32 word, u32 own)
{
    return wide ? aes_read<row, row>(table, word, own)
                : rotate_bytes(aes_read<row, 0>(table, word, own), row);
}

/* Returns a column of the next state, but for its round key. Where rows 1 and 3 have no tables of
 * their own, they are rotated together. */
template <bool wide, class Shared>
FN u32 aes_column(Shared &table, u32 s0, u32 s1, u32 s2, u32 s3, u32 own)
{
    if (wide)
        return aes_lookup<wide, 0>(table, s0, own) ^ aes_lookup<wide, 1>(table, s1, own) ^
               aes_lookup<wide, 2>(table, s2, own) ^ aes_lookup<wide, 3>(table, s3, own);
    const u32 t0 = aes_read<0, 0>(table, s0, own), t1 = aes_read<1, 0>(table, s1, own);
    const u32 t2 = aes_read<2, 0>(table, s2, own), t3 = aes_read<3, 0>(table, s3, own);
    return t0 ^ rotate_bytes(t2, 2) ^ rotate_bytes(t1 ^ rotate_bytes(t3, 2), 1);
}

/* Returns a column of the last round: the same bytes go through S alone. */
template <class Shared>
FN u32 aes_last_column(Shared &table, u32 s0, u32 s1, u32 s2, u32 s3, u32 own)
{
    const u32 t0 = aes_read<0, 0>(table, s0, own), t1 = aes_read<1, 0>(table, s1, own);
    const u32 t2 = aes_read<2, 0>(table, s2, own), t3 = aes_read<3, 0>(table, s3, own);
    return byte_permute(byte_permute(t0, t1, 0x5151), byte_permute(t2, t3, 0x5151), 0x5410);
}

/* s = the next state. */
template <bool wide, class Shared> FN void aes_round(Shared &table, u32 s[4], uint4 key, u32 own)
{
    const u32 s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
    s[0] = aes_column<wide>(table, s0, s1, s2, s3, own) ^ key.x;
    s[1] = aes_column<wide>(table, s1, s2, s3, s0, own) ^ key.y;
    s[2] = aes_column<wide>(table, s2, s3, s0, s1, own) ^ key.z;
    s[3] = aes_column<wide>(table, s3, s0, s1, s2, own) ^ key.w;
}

template <class Shared> FN void aes_last_round(Shared &table, u32 s[4], uint4 key, u32 own)
{
    const u32 s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
    s[0] = aes_last_column(table, s0, s1, s2, s3, own) ^ key.x;
    s[1] = aes_last_column(table, s1, s2, s3, s0, own) ^ key.y;
    s[2] = aes_last_column(table, s2, s3, s0, s1, own) ^ key.z;
    s[3] = aes_last_column(table, s3, s0, s1, s2, own) ^ key.w;
}

template <bool wide, u32 count, class Shared>
FN void aes_rounds(Shared &table, u32 s[count][4], uint4 key, u32 own)
{
    UNROLL
    for (u32 i = 0; i < count; i++)
        aes_round<wide>(table, s[i], key, own);
}

/* Does the rounds after round 2 of `rounds`, for several blocks under one key. */
template <bool wide, u32 count, class Shared, class Keys>
FN void aes_from_round3(Shared &table, u32 s[count][4], Keys &key, u32 at, u32 rounds, u32 own)
{
    NO_UNROLL
    for (u32 r = 3; r + 1 < rounds; r += 2) {
        aes_rounds<wide, count>(table, s, key[at + r], own);
        aes_rounds<wide, count>(table, s, key[at + r + 1], own);
    }
    aes_rounds<wide, count>(table, s, key[at + rounds - 1], own);
    const uint4 k = key[at + rounds];
    UNROLL
    for (u32 i = 0; i < count; i++)
        aes_last_round(table, s[i], k, own);
}

/* A group holds what 256 counters have in common that differ in their last byte only. After round 1
 * their blocks still differ in column 0 only, by T3 of that byte; after round 2 each column differs
 * by what one byte of column 0 does. */
typedef struct {
    u32 last;      /* the first counter's last byte before round 1, in bits 24 to 31 */
    u32 first;     /* column 0 after round 1, but for T3 */
    u32 column[4]; /* the state after round 2, but for what column 0 does */
} aes_group;

/* `block` is the first counter's, and key[at] the first round key. */
template <bool wide, class Shared, class Keys>
FN aes_group aes_begin_group(Shared &table, const u32 block[4], Keys &key, u32 at, u32 own)
{
    const uint4 k0 = key[at], k1 = key[at + 1], k2 = key[at + 2];
    const u32 s0 = block[0] ^ k0.x, s1 = block[1] ^ k0.y, s2 = block[2] ^ k0.z;
    const u32 s3 = block[3] ^ k0.w;
    const u32 t1 = aes_column<wide>(table, s1, s2, s3, s0, own) ^ k1.y;
    const u32 t2 = aes_column<wide>(table, s2, s3, s0, s1, own) ^ k1.z;
    const u32 t3 = aes_column<wide>(table, s3, s0, s1, s2, own) ^ k1.w;
    aes_group g;
    g.last = s3;
    g.first = aes_lookup<wide, 0>(table, s0, own) ^ aes_lookup<wide, 1>(table, s1, own) ^
              aes_lookup<wide, 2>(table, s2, own) ^ k1.x;
    g.column[0] = aes_lookup<wide, 1>(table, t1, own) ^ aes_lookup<wide, 2>(table, t2, own) ^
                  aes_lookup<wide, 3>(table, t3, own) ^ k2.x;
    g.column[1] = aes_lookup<wide, 0>(table, t1, own) ^ aes_lookup<wide, 1>(table, t2, own) ^
                  aes_lookup<wide, 2>(table, t3, own) ^ k2.y;
    g.column[2] = aes_lookup<wide, 0>(table, t2, own) ^ aes_lookup<wide, 1>(table, t3, own) ^
                  aes_lookup<wide, 3>(table, t1, own) ^ k2.z;
    g.column[3] = aes_lookup<wide, 0>(table, t3, own) ^ aes_lookup<wide, 2>(table, t1, own) ^
                  aes_lookup<wide, 3>(table, t2, own) ^ k2.w;
    return g;
}

/* Makes s the state after round 2 of the group's counter number i, 0 to 255. */
template <bool wide, class Shared>
FN void aes_after_round2(Shared &table, u32 s[4], const aes_group *g, u32 i, u32 own)
{
    const u32 t = g->first ^ aes_lookup<wide, 3>(table, g->last ^ i << 24, own);
    s[0] = g->column[0] ^ aes_lookup<wide, 0>(table, t, own);
    s[1] = g->column[1] ^ aes_lookup<wide, 3>(table, t, own);
    s[2] = g->column[2] ^ aes_lookup<wide, 2>(table, t, own);
    s[3] = g->column[3] ^ aes_lookup<wide, 1>(table, t, own);
}

#endif
