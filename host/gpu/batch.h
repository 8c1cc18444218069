/* What batch.c and long_message.c share. */
#ifndef PARSEAL_HOST_GPU_BATCH_H
#define PARSEAL_HOST_GPU_BATCH_H

#include "host/gpu/aead.h"

/* Seals or opens one message that no slot holds, through all of them, and finishes it. */
parseal_status gpu_long_message(const gpu_keys *keys, gpu_stage *stage, parseal_msg *msg,
                                bool open);

#endif
