/* A folder of a test's own. */
#ifndef PARSEAL_TESTS_SCRATCH_H
#define PARSEAL_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Makes a folder in TMPDIR, or in /tmp, and writes its path. */
bool scratch_make(char *path, size_t size);

/* Removes it with all that is in it. */
bool scratch_remove(const char *path);

#endif
