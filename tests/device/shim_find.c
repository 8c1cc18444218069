#include "shim.h"

#include <stddef.h>

#include "host/support/dynlib.h"

bool shim_find(const char *name, shim_functions *shim)
{
    const char *const names[] = {name, NULL};
    void *library = dynlib_open(names);
    *shim = (shim_functions){0};
    if (library == NULL)
        return false;
    dynlib_function(library, "shim_fail_at", &shim->fail_at, sizeof shim->fail_at);
    dynlib_function(library, "shim_calls", &shim->calls, sizeof shim->calls);
    dynlib_function(library, "shim_failed", &shim->failed, sizeof shim->failed);
    dynlib_function(library, "shim_live", &shim->live, sizeof shim->live);
    dynlib_function(library, "shim_waits", &shim->waits, sizeof shim->waits);
    return shim->fail_at != NULL && shim->calls != NULL && shim->failed != NULL &&
           shim->live != NULL && shim->waits != NULL;
}
