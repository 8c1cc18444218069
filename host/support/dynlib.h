/* Libraries that are looked for when the program runs, not when it is linked. */
#ifndef PARSEAL_HOST_SUPPORT_DYNLIB_H
#define PARSEAL_HOST_SUPPORT_DYNLIB_H

#include <stddef.h>

/* Loads the first of the names, a NULL-terminated list, that can be loaded, or returns NULL. Then
 * dynlib_why_none() returns words to be put behind "no library": why one that is there does not
 * load, or that a static program can load none, and "" where there is none. They are the thread's
 * own, until it opens the next. */
void *dynlib_open(const char *const *names);
const char *dynlib_why_none(void);
void dynlib_close(void *library);

/* Stores the function called `name` in *function, a pointer to some type of function, of
 * function_size bytes. Without such a function, NULL is stored. */
void dynlib_function(void *library, const char *name, void *function, size_t function_size);

#endif
