/* parseal: tensors of DLPack as buffers and vectors, without a copy. NumPy, PyTorch, JAX, CuPy and
 * others describe theirs so; what a call cannot take is refused, and the text says why.
 *
 *   const DLTensor *tensor;
 *   parseal_vec acc;
 *   parseal_dlpack_versioned("acc", managed, PARSEAL_DLPACK_WRITE, &tensor);
 *   parseal_dlpack_vec("acc", tensor, ring.element_size, &acc);
 *   parseal_mask_apply(seeds, &ring, &acc, 0, stream);
 *
 * parseal.h does not include this header. It brings DLPack 1.3's own, parseal/vendor/dlpack.h, but
 * for who has included another dlpack.h before it: any from 0.6 on will do, where what it does not
 * declare is left out here. The library takes tensors of all of them, as a DLTensor is the same.
 *
 * WHAT HOLDS FOR ALL FUNCTIONS HERE
 *
 * Ownership. They own and release nothing, and look at no element. The tensor's producer keeps what
 * it describes alive, and in its place, until the calls that are given the buffer have finished: on
 * a stream, until the stream has got there. Who took a managed tensor calls its deleter, also after
 * an error.
 *
 * Read-only. A DLTensor cannot say that it must not be written to, nor can the managed tensor of
 * before DLPack 1.0. parseal_dlpack_versioned judges those that can; of others the caller has to
 * know it, and writes to no tensor of which it does not.
 *
 * Shape. All axes together are one vector: n is the product of the extents, 1 for no axes. Elements
 * must lie side by side in the order of C. Strides, in elements, are looked at only where an axis
 * is longer than 1, and strides of NULL mean just that order. A tensor without elements becomes a
 * buffer of size 0 and handle 0, whatever its strides, data and byte_offset are.
 *
 * Memory. kDLCPU and kDLCUDAHost become PARSEAL_BUF_HOST, kDLCUDA and kDLCUDAManaged
 * PARSEAL_BUF_CUDA: handle is the first element's address (data + byte_offset) and offset 0.
 * kDLOpenCL becomes PARSEAL_BUF_OPENCL: handle is data, which is the cl_mem, as dlpack.h has it,
 * and offset byte_offset. (Some producers, TVM among them, give a pointer to a struct of their own
 * instead, which nobody can tell from a cl_mem: take theirs out first.)
 *
 * Device. Which device and which context a tensor is of is known to none of these functions: the
 * call that is given the buffer asks the driver, refuses memory of another device, of another
 * cl_context and of a kind that its context's backend cannot take, and finds out as far as the
 * driver knows whether the memory is as long as the shape says. DLDevice.device_id is not read.
 *
 * Stream. Device memory must be ready on the stream that the call is given, which is the consumer's
 * of DLPack's rule (`__dlpack__(stream=...)`): the producer's current one where nothing is said
 * between them. Memory of the host, pinned memory too, must be ready when the call is made.
 *
 * Errors are those that each function has at its end; the text begins with `name`, which is what
 * the caller calls the tensor ("acc"), or with "tensor" where name is NULL. After an error no
 * output has changed.
 *
 * Concurrency. Nothing is kept: any number of threads may call them.
 */
#ifndef PARSEAL_DLPACK_H
#define PARSEAL_DLPACK_H

#include "parseal/core.h"
#include "parseal/vector.h"

/* The guard of every dlpack.h. */
#ifndef DLPACK_DLPACK_H_
#include "parseal/vendor/dlpack.h"
#endif

#if defined(DLPACK_MAJOR_VERSION) && DLPACK_MAJOR_VERSION != 1
#error "parseal/dlpack.h: the dlpack.h before it is of another major version than 1"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a tensor is wanted for. */
enum { PARSEAL_DLPACK_READ = 0, PARSEAL_DLPACK_WRITE = 1 };

/* parseal_dlpack_buf stores the bytes of a tensor in *buf. Of any dtype whose elements are whole
 * bytes, all lanes together: float64, bool, complex64, float8_e5m2, int4 in two lanes, which are
 * packed; types that DLPack does not have yet go by their bits. Bytes are as they lie in memory:
 * numbers are in the host's byte order.
 *
 * Errors: PARSEAL_ERR_ARG (dtype: elements that are not whole bytes, or handles to what lies
 * elsewhere; ndim, shape: a negative extent; strides; data: NULL), PARSEAL_ERR_SIZE (the product of
 * the shape; a range past the end of memory), PARSEAL_ERR_UNSUPPORTED (device: neither of the kinds
 * above). */
PARSEAL_API parseal_status parseal_dlpack_buf(const char *name, const DLTensor *tensor,
                                              parseal_buf *buf);

/* parseal_dlpack_vec stores a tensor of integers, signed or not, of element_size (4 or 8) bytes in
 * *vec, as ring elements: -1 is 2^32 - 1, or 2^64 - 1. Data must be aligned to an element; 256
 * bytes, which DLPack asks for and few keep to, are not needed.
 *
 * Errors: those of parseal_dlpack_buf; PARSEAL_ERR_ARG (element_size; dtype: any other, or more
 * than one lane; data: alignment), PARSEAL_ERR_UNSUPPORTED (on big-endian hosts, whose integers are
 * no ring elements: these lie little-endian everywhere). */
PARSEAL_API parseal_status parseal_dlpack_vec(const char *name, const DLTensor *tensor,
                                              uint32_t element_size, parseal_vec *vec);

/* parseal_dlpack_floats stores a tensor of float32, bfloat16 or float16 in *vec, and in *float_type
 * which of them it is: PARSEAL_FLOAT32, PARSEAL_BFLOAT16 or PARSEAL_FLOAT16, for
 * parseal_quant.float_type. Data must be aligned to an element.
 *
 * Errors: those of parseal_dlpack_buf; PARSEAL_ERR_ARG (dtype: any other, or more than one lane;
 * data: alignment). */
PARSEAL_API parseal_status parseal_dlpack_floats(const char *name, const DLTensor *tensor,
                                                 int32_t *float_type, parseal_vec *vec);

#ifdef DLPACK_MAJOR_VERSION
/* parseal_dlpack_versioned stores in *tensor the tensor that a managed one holds, if it can be used
 * for what it is wanted for (access: PARSEAL_DLPACK_READ or PARSEAL_DLPACK_WRITE). *tensor points
 * into *managed. (`struct`: DLPack 1.0 and 1.1 have no other name for it in C.)
 *
 * Errors: PARSEAL_ERR_ARG (access; flags: it is read-only, and to be written to),
 * PARSEAL_ERR_UNSUPPORTED (version: of another major version than 1, of which nothing but the
 * deleter may be used; flags: elements of less than a byte, padded to one). */
PARSEAL_API parseal_status parseal_dlpack_versioned(const char *name,
                                                    const struct DLManagedTensorVersioned *managed,
                                                    int32_t access, const DLTensor **tensor);
#endif

#ifdef __cplusplus
}
#endif

#endif
