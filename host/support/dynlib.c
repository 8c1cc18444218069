#include "host/support/dynlib.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__linux__)
#include <link.h>
#include <sys/auxv.h>
#endif

/* A driver is never unloaded, as it would not give back the threads and the memory that it has
 * taken. */
#ifdef RTLD_NODELETE
enum { FLAGS = RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE };
#else
enum { FLAGS = RTLD_NOW | RTLD_LOCAL };
#endif

/* In a static program glibc's dlopen loads a second C library, whose locks and thread data are not
 * set up, and drivers crash in it. A program is static when its own program headers, whose address
 * the kernel hands over, name no loader. */
static bool is_static_program(void)
{
#if defined(__linux__)
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)(uintptr_t)getauxval(AT_PHDR);
    const unsigned long n = getauxval(AT_PHNUM);
    if (headers == NULL)
        return false;
    for (unsigned long i = 0; i < n; i++)
        if (headers[i].p_type == PT_INTERP)
            return false;
    return true;
#else
    return false;
#endif
}

const char *dynlib_why_none(void)
{
    return is_static_program() ? ": a static program can load no libraries" : "";
}

void *dynlib_open(const char *const *names)
{
    void *library = NULL;
    if (is_static_program())
        return NULL;
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
    /* ISO C has no conversion from an object's pointer to a function's; POSIX says that both have
     * the same form. */
    const void *symbol = dlsym(library, name);
    memcpy(function, &symbol, function_size);
}
