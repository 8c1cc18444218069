#include "bench/device/driver_calls.h"

#include "bench/cpu/support.h"

#include <dlfcn.h>
#include <string.h>

/* Copies the pointer, as ISO C has no cast from an object's pointer to a function's. */
static bool find(void *library, const char *name, void *function, size_t size)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, size);
    if (symbol == NULL)
        complain("the CUDA driver has no %s", name);
    return symbol != NULL;
}

bool driver_load(struct driver_calls *calls)
{
    *calls = (struct driver_calls){.library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL)};
    if (calls->library == NULL) {
        complain("no CUDA driver (libcuda.so.1)");
        return false;
    }
    bool fine = true;
#define DRIVER_CALL_FIND(name, exported, parameters) \
    fine = find(calls->library, #exported, &calls->name, sizeof calls->name) && fine;
    DRIVER_CALLS(DRIVER_CALL_FIND)
#undef DRIVER_CALL_FIND
    if (!fine)
        driver_unload(calls);
    return fine;
}

void driver_unload(struct driver_calls *calls)
{
    if (calls->library != NULL)
        (void)dlclose(calls->library);
    calls->library = NULL;
}

bool driver_fine(const struct driver_calls *calls, const char *what, int error)
{
    const char *name = NULL;
    if (error == 0)
        return true;
    if (calls->error_name(error, &name) != 0 || name == NULL)
        name = "CUDA error";
    complain("driver call %s: %s (%d)", what, name, error);
    return false;
}
