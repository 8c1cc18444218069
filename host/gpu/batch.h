/* The long messages of a batch, which batch.c leaves to long_message.c. */
#ifndef PARSEAL_HOST_GPU_BATCH_H
#define PARSEAL_HOST_GPU_BATCH_H

#include "host/gpu/aead.h"

/* Seals or opens one message that no slot holds. It uses all slots, and returns when the message is
 * done. */
parseal_status gpu_long_message(const gpu_keys *keys, gpu_stage *stage, parseal_msg *msg,
                                bool open);

#endif
