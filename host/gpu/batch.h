/* What batch.c and long_message.c share. */
#ifndef PARSEAL_HOST_GPU_BATCH_H
#define PARSEAL_HOST_GPU_BATCH_H

#include "host/gpu/aead.h"

/* Opens messages whose `out` is not used. Where one of them does not fit a slot, nothing is done.
 */
parseal_status gpu_open_into(const gpu_keys *keys, parseal_msg *msgs, size_t n,
                             const parseal_sink *sink, bool *changed);

/* Seals or opens one message that no slot holds, through all of them, and finishes it. */
parseal_status gpu_long_message(const gpu_keys *keys, gpu_stage *stage, parseal_msg *msg,
                                bool open);

#endif
