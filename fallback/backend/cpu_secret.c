/* Memory for keys and seeds. */
#include <sodium.h>

#include "fallback/backend/cpu_device.h"

void *cpu_guarded(size_t n, size_t size)
{
    if (sodium_init() < 0 || n > SIZE_MAX / 2 / size)
        return NULL;
    return sodium_malloc((n * size + 63) / 64 * 64);
}
