/* What batch.c and long_message.c share. */
#ifndef PARSEAL_HOST_GPU_BATCH_H
#define PARSEAL_HOST_GPU_BATCH_H

#include "host/gpu/aead.h"

/* Seals or opens one message that no slot holds, through this slot, and finishes it. */
parseal_status gpu_long_message(const gpu_keys *keys, gpu_stage *stage, gpu_slot *slot,
                                parseal_msg *msg, bool open);

#endif
