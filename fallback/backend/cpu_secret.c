/* Memory for keys and seeds. */
#include <sodium.h>

#include "fallback/backend/cpu_device.h"
#include "host/support/process.h"

void *cpu_guarded(size_t n, size_t size, bool *locked)
{
    *locked = false;
    if (!process_ready() || n > SIZE_MAX / 2 / size)
        return NULL;
    const size_t whole = (n * size + 63) / 64 * 64;
    void *made = sodium_malloc(whole);
    /* sodium_malloc locks the pages if it can, and does not tell. The system does not count locked
     * pages twice, so locking them again fails only where sodium_malloc could not lock them. */
    *locked = made != NULL && sodium_mlock(made, whole) == 0;
    return made;
}
