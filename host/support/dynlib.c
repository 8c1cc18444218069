#include "host/support/dynlib.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
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

static _Thread_local char why_none[320];

const char *dynlib_why_none(void)
{
    return why_none;
}

/* Notes why the library did not load, unless there is none: glibc has no other sign of that than
 * its text, which then begins with the library's name. Where a library that it needs is missing,
 * the text begins with that one's. */
static void note_failure(const char *name)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the text is the thread's own, as POSIX 2024 says. */
    const char *text = dlerror();
    const size_t n = strlen(name);
    if (text == NULL || why_none[0] != '\0')
        return;
    if (strncmp(text, name, n) == 0 &&
        strcmp(text + n, ": cannot open shared object file: No such file or directory") == 0)
        return;
    snprintf(why_none, sizeof why_none, ": it does not load: %s", text);
}

void *dynlib_open(const char *const *names)
{
    why_none[0] = '\0';
    if (is_static_program()) {
        snprintf(why_none, sizeof why_none, ": a static program can load no libraries");
        return NULL;
    }
    for (; *names != NULL; names++) {
        void *library = dlopen(*names, FLAGS);
        if (library != NULL)
            return library;
        note_failure(*names);
    }
    return NULL;
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
