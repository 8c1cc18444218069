/* The CUDA kernels: what the host has to know to launch them. Plain C. */
#ifndef PARSEAL_KERNELS_CUDA_KERNELS_H
#define PARSEAL_KERNELS_CUDA_KERNELS_H

enum {
    GHASH_SETS = 8, /* matrices of a key, each for a row of 32 blocks */
    GHASH_MATRIX_BYTES = 8192 * GHASH_SETS + 2048 /* of a key, for aead_hash_mma */
};

/* X(program, name, threads, dynamic shared bytes, items a block) */
#define CUDA_KERNELS_AEAD(X)                        \
    X(aead, keys_expand, 128, 0, 128)               \
    X(aead, aead_begin, 128, 0, 128)                \
    X(aead, aead_hash, 128, 0, 4)                   \
    X(aead, aead_weigh, 256, 0, 8)                  \
    X(aead, aead_finish, 128, 0, 128)               \
    X(aead_crypt, aead_crypt, 512, 32768, 16)       \
    X(aead_crypt, aead_crypt_wide, 512, 131072, 16) \
    X(ghash_mma, keys_matrices, 128, 0, 1)          \
    X(ghash_mma, aead_hash_mma, 256, GHASH_MATRIX_BYTES, 32)

#endif
