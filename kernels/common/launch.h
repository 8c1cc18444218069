/* Host and device exchange these: they have fixed widths, no pointers, no bit-fields, no
 * padding. */
#ifndef PARSEAL_KERNELS_LAUNCH_H
#define PARSEAL_KERNELS_LAUNCH_H

#include "kernels/common/target.h"

enum {
    GROUP_SIZE = 64,    /* work-items in a work-group of OpenCL */
    CRYPT_GROUP = 32,   /* AES blocks that a work-item of aead_crypt takes */
    HASH_TILE = 16384,  /* bytes that a work-item of aead_hash takes */
    ADD_TILE = 128,     /* elements; they are whole AES blocks, whatever their bit width */
    SUM_INPUTS_MAX = 64 /* vectors that one run of CUDA's sum32 or sum64 adds */
};

/* An item is a message or a part of one; its data and aad lie at offsets in the run's buffers. */
typedef struct {
    u64 len, in_offset, out_offset;
    u64 aad_len, aad_offset;
    u64 first_block; /* AES blocks of the message that come before this part */
    /* So many blocks follow in the input of GHASH: after a whole message 1, the lengths. */
    u64 blocks_after;
    u32 key, reserved;
} aead_item;

/* An expanded key: its round keys are little-endian words, its powers of H words of ghash.h. */
typedef struct {
    u32 round_key[15][4];
    u32 rounds, reserved[3];
    u32 power[32][4];  /* H^1 ... H^32 */
    u32 square[40][4]; /* H^(2^k) */
} aead_key;

/* The words are the bytes of key and stream id, read little-endian. */
typedef struct {
    u32 key[8], stream_id[2];
    i32 sign;
    u32 reserved;
} mask_seed;

/* An AES-256 key of a mask of parseal/fcp.h. The host writes the key into the first 32 bytes of
 * round_key, and fcp_expand makes the others. Words are read little-endian. */
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

/* This says how aead_add cuts a vector: a tile is whole elements of `bits` bits each, and whole AES
 * blocks. */
typedef struct {
    u64 count; /* elements */
    u32 bits, tile_blocks, tile_elements, reserved;
} add_shape;

/* Device addresses of the vectors that are added. Those past the last are not looked at. */
typedef struct {
    u64 address[SUM_INPUTS_MAX];
} vec_inputs;

#endif
