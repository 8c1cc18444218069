/* The CPU behind host/backend/backend.h: HOST buffers only, and every call has finished when it
 * returns. */
#include <stdlib.h>

#include "fallback/backend/cpu_device.h"

const parseal_backend parseal_cpu_backend = {
    .id = PARSEAL_BACKEND_CPU,
    .has_streams = false,
    .device_open = cpu_device_open,
    .device_close = free,
    .device_name = cpu_device_name,
    .device_threads = cpu_threads,
    .impl_count = cpu_impl_count,
    .impl_entry = cpu_impl_entry,
    .impl_use = cpu_impl_use,
    .accepts = cpu_accepts,
    .keys_create = cpu_keys_create,
    .keys_destroy = cpu_keys_destroy,
    .seeds_create = cpu_seeds_create,
    .seeds_destroy = cpu_seeds_destroy,
    .fcp_create = cpu_fcp_create,
    .fcp_destroy = cpu_fcp_destroy,
    .batch_run = cpu_batch_run,
    .memory_create = cpu_memory_create,
    .memory_destroy = cpu_memory_destroy,
    .memory_read = cpu_memory_read,
    .memory_write = cpu_memory_write,
    .accumulate = cpu_accumulate,
    .plan_create = cpu_plan_create,
    .plan_destroy = cpu_plan_destroy,
    .plan_workspace_size = cpu_plan_workspace_size,
    .plan_run = cpu_plan_run,
    .mask = cpu_mask,
    .fcp_mask = cpu_fcp_mask,
    .vec_sum = cpu_vec_sum,
    .quantize = cpu_quantize,
    .dequantize = cpu_dequantize,
    .pack = cpu_pack,
    .packed_sum = cpu_packed_sum,
};
