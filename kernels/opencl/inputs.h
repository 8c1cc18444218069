/* Up to eight vectors as arguments of a kernel. */
#ifndef PARSEAL_KERNELS_OPENCL_INPUTS_H
#define PARSEAL_KERNELS_OPENCL_INPUTS_H

/* EACH(0) ... EACH(7). Inputs past the last are the caller's acc, and are not read. */
#define EACH_INPUT \
    EACH(0)        \
    EACH(1)        \
    EACH(2)        \
    EACH(3)        \
    EACH(4)        \
    EACH(5)        \
    EACH(6)        \
    EACH(7)

#define INPUT(j) GLOBAL const uchar *v##j, ulong v##j##_at
#define INPUTS   INPUT(0), INPUT(1), INPUT(2), INPUT(3), INPUT(4), INPUT(5), INPUT(6), INPUT(7)

#endif
