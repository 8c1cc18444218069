/* Memory for keys and seeds. */
#include <sodium.h>

#include "fallback/backend/cpu_device.h"

void *cpu_guarded(size_t n, size_t size, bool *locked)
{
    *locked = false;
    if (sodium_init() < 0 || n > SIZE_MAX / 2 / size)
        return NULL;
    const size_t whole = (n * size + 63) / 64 * 64;
    void *made = sodium_malloc(whole);
    /* sodium_malloc locks what it can and does not tell. What is locked already is not counted
     * twice, so that this fails only where that has. */
    *locked = made != NULL && sodium_mlock(made, whole) == 0;
    return made;
}
