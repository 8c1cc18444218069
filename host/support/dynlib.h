/* Libraries that are looked for when the program runs, not when it is linked. */
#ifndef PARSEAL_HOST_SUPPORT_DYNLIB_H
#define PARSEAL_HOST_SUPPORT_DYNLIB_H

#include <stddef.h>

/* Loads the first of the names, a NULL-terminated list, that can be loaded, or returns NULL. A
 * static program can load none: dynlib_why_none() then returns words that say so, to be put behind
 * "no library", and "" in all other programs. */
void *dynlib_open(const char *const *names);
const char *dynlib_why_none(void);
void dynlib_close(void *library);

/* Stores the function called `name` in *function, a pointer to some type of function, of
 * function_size bytes. Without such a function, NULL is stored. */
void dynlib_function(void *library, const char *name, void *function, size_t function_size);

#endif
