#include "host/support/dynlib.h"

#include <dlfcn.h>
#include <string.h>

/* Drivers start threads and keep memory that they do not give back when they are unloaded, so once
 * loaded they stay. */
#ifdef RTLD_NODELETE
enum { FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };
#else
enum { FLAGS = RTLD_NOW | RTLD_LOCAL };
#endif

void *dynlib_open(const char *const *names)
{
    void *library = NULL;
    for (; library == NULL && *names != NULL; names++)
        library = dlopen(*names, FLAGS);
    return library;
}

void dynlib_close(void *library)
{
    if (library != NULL)
        dlclose(library);
}

void dynlib_function(void *library, const char *name, void *function, size_t function_size)
{
    /* ISO C has no conversion between the two kinds of pointer; POSIX says they look the same. */
    const void *symbol = dlsym(library, name);
    memcpy(function, &symbol, function_size);
}
