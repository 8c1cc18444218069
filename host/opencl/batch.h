/* What batch.c and long_message.c share. */
#ifndef PARSEAL_HOST_OPENCL_BATCH_H
#define PARSEAL_HOST_OPENCL_BATCH_H

#include "host/opencl/aead.h"

/* Seals or opens one message that no slot holds, through this slot, and finishes it. */
parseal_status ocl_long_message(const ocl_keys *keys, ocl_stage *stage, ocl_slot *slot,
                                parseal_msg *msg, bool open);

#endif
