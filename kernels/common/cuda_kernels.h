/* The CUDA kernels: what the host has to know to launch them. Plain C. */
#ifndef PARSEAL_KERNELS_CUDA_KERNELS_H
#define PARSEAL_KERNELS_CUDA_KERNELS_H

/* X(program, name, threads, dynamic shared bytes, items a block). Items of masks and of quantize
 * are the 64-byte blocks of keystream that the elements touch, those of all others elements. */
#define CUDA_KERNELS_VECTORS(X)        \
    X(mask, mask_apply32, 256, 0, 256) \
    X(mask, mask_apply64, 256, 0, 256) \
    X(vec, vec_sum32, 256, 0, 1024)    \
    X(vec, vec_sum64, 256, 0, 512)     \
    X(quant, quantize, 256, 0, 256)    \
    X(quant, dequantize, 256, 0, 1024) \
    X(pack, pack, 256, 0, 2048)        \
    X(pack, unpack, 256, 0, 256)

#endif
