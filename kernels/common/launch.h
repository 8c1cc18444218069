/* What host and device exchange: fixed widths, no pointers, no bit-fields, no padding. */
#ifndef PARSEAL_KERNELS_LAUNCH_H
#define PARSEAL_KERNELS_LAUNCH_H

#include "kernels/common/target.h"

enum {
    GROUP_SIZE = 64,    /* work-items of a work-group, in OpenCL */
    CRYPT_GROUP = 32,   /* AES blocks of a work-item of aead_crypt */
    HASH_TILE = 16384,  /* bytes of a work-item of aead_hash */
    ADD_TILE = 128,     /* elements of any bit width are whole AES blocks */
    SUM_INPUTS_MAX = 64 /* vectors of a run of CUDA's vec_sum */
};

/* A message, or a part of one: its data and aad at offsets of the run's buffers. */
typedef struct {
    u64 len, in_offset, out_offset;
    u64 aad_len, aad_offset;
    u64 first_block;  /* blocks of the message before this part */
    u64 blocks_after; /* blocks that follow in the input of GHASH: 1, the lengths, after a whole */
    u32 key, reserved;
} aead_item;

/* An expanded key: round keys as little-endian words, powers of H as words of ghash.h. */
typedef struct {
    u32 round_key[15][4];
    u32 rounds, reserved[3];
    u32 power[32][4];  /* H^1 ... H^32 */
    u32 square[40][4]; /* H^(2^k) */
} aead_key;

/* Words as the bytes of key and stream id read little-endian. */
typedef struct {
    u32 key[8], stream_id[2];
    i32 sign;
    u32 reserved;
} mask_seed;

/* An AES-256 key of a mask of parseal/fcp.h: the key's own bytes in the first 32 of its round keys,
 * until fcp_expand has made the others; words as their bytes read little-endian. */
typedef struct {
    u32 round_key[15][4];
    i32 sign;
    u32 reserved[3];
} fcp_key;

typedef struct {
    u64 modulus;    /* 0 stands for 2^64 */
    u64 low_bits;   /* 2^k - 1, k the bit length of modulus - 1 */
    u64 reciprocal; /* floor(2^64 / modulus); 0 where modulus is 0 */
    u32 power_of_two, element_size;
} ring_params;

/* How aead_add cuts a vector: a tile is whole elements of so many bits in whole AES blocks. */
typedef struct {
    u64 count; /* elements */
    u32 bits, tile_blocks, tile_elements, reserved;
} add_shape;

/* Device addresses of the vectors that are added; those past the last are not looked at. */
typedef struct {
    u64 address[SUM_INPUTS_MAX];
} vec_inputs;

#endif
