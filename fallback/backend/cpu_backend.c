/* The CPU behind host/backend/backend.h: HOST buffers only, and every call has finished when it
 * returns. */
#include "fallback/backend/cpu_device.h"

const parseal_backend parseal_cpu_backend = {
    .id = PARSEAL_BACKEND_CPU,
    .has_streams = false,
    .fails_whole = true, /* Calls allocate before they write. */
    .buf_kind = PARSEAL_BUF_HOST,
    .open = cpu_open,
    .close = cpu_close,
    .name = cpu_device_name,
    .threads = cpu_threads,
    .impl_count = cpu_impl_count,
    .impl_entry = cpu_impl_entry,
    .impl_use = cpu_impl_use,
    .memory = &cpu_memory_family,
    .aead = &cpu_aead_family,
    .plan = &cpu_plan_family,
    .mask = &cpu_mask_family,
    .vector = &cpu_vector_family,
};
