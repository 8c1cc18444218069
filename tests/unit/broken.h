/* The CPU backend with one more implementation, named "broken", at the head of one primitive's
 * list. */
#ifndef PARSEAL_TESTS_BROKEN_H
#define PARSEAL_TESTS_BROKEN_H

#include "host/backend/backend.h"

/* What it gets wrong. */
typedef enum {
    SEAL_TEXT,       /* the last bit of a long message's ciphertext */
    SEAL_TAG,        /* one bit of a tag */
    SEAL_STATUS,     /* sealing fails */
    OPEN_ACCEPTS,    /* every tag is right */
    OPEN_KEEPS_TEXT, /* the text of a bad message is left where it is */
    MASK_LAST,       /* the last element */
    MASK_WIDE,       /* elements of 8 bytes */
    MASK_SIGN,       /* seeds are added whatever their sign */
    FCP_LAST,        /* the last element */
    FCP_SIGN,        /* masks are added whatever their sign */
    SUM_LAST,        /* the last element */
    SUM_UNREDUCED,   /* one element is in the right class, but not in [0, m) */
    QUANT_LAST,      /* the last element */
    QUANT_COUNT,     /* how many were not finite */
    DEQUANT,         /* two ulp */
    PACK_LAST,       /* the last byte */
    UNPACK_LAST,     /* the last element */
    PACKED_SUM_LAST, /* the last element */
    UPDATES_LAST,    /* the last element of the sum of updates */
    UPDATES_ACCEPT,  /* every update is authentic */
    FAULTS
} fault;

/* The primitive that a fault is one of. */
int32_t fault_primitive(fault f);

/* From now on broken_backend has this fault. state: PARSEAL_USABLE, ... of the implementation.
 * only: the primitive has no other implementation. */
void broken_set(fault f, int32_t state, bool only);

/* Did anything run on the implementation since broken_set? */
bool broken_was_used(void);

extern const parseal_backend broken_backend;      /* says that it is the CPU */
extern const parseal_backend broken_cuda_backend; /* the same, and says that it is CUDA */

#endif
