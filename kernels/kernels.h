/* The files of kernels, and for each CUDA kernel the numbers that the host launches it by. This is
 * plain C, and the one list: C tables, CMake (files.cmake) and the emulator take theirs from it. */
#ifndef PARSEAL_KERNELS_KERNELS_H
#define PARSEAL_KERNELS_KERNELS_H

/* clang-format off: files.cmake reads the rows */
/* BOTH is a file that cuda/ and opencl/ have, CUDA a file that only cuda/ has. Each row has the
 * name in upper and lower case, and X, which is handed through. */
#define KERNEL_FILES(BOTH, CUDA, X)   \
    BOTH(AEAD, aead, X)               \
    CUDA(AEAD_CRYPT, aead_crypt, X)   \
    BOTH(AEAD_ADD, aead_add, X)       \
    CUDA(GHASH_MMA, ghash_mma, X)     \
    CUDA(GHASH_CLMAD, ghash_clmad, X) \
    CUDA(AEAD_SEAL, aead_seal, X)     \
    BOTH(MASK, mask, X)               \
    BOTH(SUM, sum, X)                 \
    BOTH(QUANT, quant, X)             \
    BOTH(PACK, pack, X)               \
    BOTH(FCP, fcp, X)                 \
    CUDA(COUNT, count, X)
/* clang-format on */

/* Leaves a row out. */
#define KERNEL_FILE_NONE(UPPER, name, X)

enum {
    GHASH_SETS = 8, /* matrices of a key, each for a row of 32 blocks */
    GHASH_MATRIX_BYTES = 8192 * GHASH_SETS + 2048, /* bytes of a key's matrices */
    GHASH_ROWS = 8, /* rows of 32 blocks that are hashed together without carries */
    GHASH_ROWS_BYTES = 16 * (GHASH_ROWS + 1) /* bytes of a key's powers for them */
};

/* The kernels of each file of cuda/: X(file, kernel, threads, dynamic shared bytes, items a block).
 * An item of fcp_expand and fcp_count is a key, of the masks of fcp 16 elements, of masks and of
 * quantize a 64-byte block of keystream that the elements touch, of aead_add a tile, of
 * count_wipe a word, of seeds_count and seeds_end all of a set, and of the other kernels
 * for vectors an element. */
#define CUDA_AEAD_KERNELS(X)          \
    X(aead, keys_expand, 128, 0, 128) \
    X(aead, aead_begin, 128, 0, 128)  \
    X(aead, aead_hash, 128, 0, 4)     \
    X(aead, aead_weigh, 256, 0, 8)    \
    X(aead, aead_finish, 128, 0, 128)
#define CUDA_AEAD_CRYPT_KERNELS(X)            \
    X(aead_crypt, aead_crypt, 512, 32768, 16) \
    X(aead_crypt, aead_crypt_wide, 512, 131072, 16)
#define CUDA_AEAD_ADD_KERNELS(X)                  \
    X(aead_add, aead_add32, 512, 32768, 16)       \
    X(aead_add, aead_add64, 512, 32768, 16)       \
    X(aead_add, aead_add32_wide, 512, 131072, 16) \
    X(aead_add, aead_add64_wide, 512, 131072, 16)
#define CUDA_GHASH_MMA_KERNELS(X)          \
    X(ghash_mma, keys_matrices, 128, 0, 1) \
    X(ghash_mma, aead_hash_mma, 256, GHASH_MATRIX_BYTES, 32)
#define CUDA_GHASH_CLMAD_KERNELS(X)        \
    X(ghash_clmad, keys_rows, 128, 0, 128) \
    X(ghash_clmad, aead_hash_clmad, 128, 0, 4)
#define CUDA_AEAD_SEAL_KERNELS(X) X(aead_seal, aead_seal, 512, 131072, 16)
#define CUDA_MASK_KERNELS(X)           \
    X(mask, mask_apply32, 256, 0, 256) \
    X(mask, mask_apply64, 256, 0, 256)
#define CUDA_SUM_KERNELS(X)     \
    X(sum, sum32, 256, 0, 1024) \
    X(sum, sum64, 256, 0, 512)
#define CUDA_QUANT_KERNELS(X)       \
    X(quant, quantize, 256, 0, 256) \
    X(quant, dequantize, 256, 0, 1024)
#define CUDA_PACK_KERNELS(X)            \
    X(pack, pack, 256, 0, 64)           \
    X(pack, unpack, 256, 0, 1024)       \
    X(pack, packed_sum32, 256, 0, 1024) \
    X(pack, packed_sum64, 256, 0, 1024)
#define CUDA_FCP_KERNELS(X)             \
    X(fcp, fcp_expand, 128, 0, 128)     \
    X(fcp, fcp_mask32, 512, 32768, 512) \
    X(fcp, fcp_mask64, 512, 32768, 512)
#define CUDA_COUNT_KERNELS(X)           \
    X(count, aead_count, 256, 0, 256)   \
    X(count, aead_counted, 256, 0, 256) \
    X(count, seeds_count, 256, 0, 1)    \
    X(count, fcp_count, 256, 0, 256)    \
    X(count, count_wipe, 256, 0, 2048)  \
    X(count, seeds_end, 32, 0, 1)

#define CUDA_KERNELS_OF(upper, name, X) CUDA_##upper##_KERNELS(X)
#define CUDA_KERNELS(X)                 KERNEL_FILES(CUDA_KERNELS_OF, CUDA_KERNELS_OF, X)

#endif
