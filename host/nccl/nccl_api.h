/* NCCL's functions, which are found when the program runs. Types and numbers are those of NCCL 2's
 * documented binary interface. */
#ifndef PARSEAL_HOST_NCCL_NCCL_API_H
#define PARSEAL_HOST_NCCL_NCCL_API_H

#include <stddef.h>

enum { NCCL_OK = 0 };                      /* ncclResult_t */
enum { NCCL_UINT32 = 3, NCCL_UINT64 = 5 }; /* ncclDataType_t */
enum { NCCL_SUM = 0 };                     /* ncclRedOp_t */

/* X(name without nccl, result, parameters). Communicators and streams are pointers. */
#define NCCL_FUNCTIONS(X)                                                       \
    X(GetErrorString, const char *, (int))                                      \
    X(CommCount, int, (const void *, int *))                                    \
    X(CommUserRank, int, (const void *, int *))                                 \
    X(AllReduce, int, (const void *, void *, size_t, int, int, void *, void *)) \
    X(AllGather, int, (const void *, void *, size_t, int, void *, void *))

#endif
