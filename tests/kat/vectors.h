/* Test vectors in JSON files, from the folder that main's first argument names. */
#ifndef PARSEAL_TESTS_VECTORS_H
#define PARSEAL_TESTS_VECTORS_H

#include <jansson.h>

#include "test.h"

/* Reads DIR/file. NULL where it is not there; a file that is there and is not JSON ends the
 * process, so that it cannot pass for an absent one. */
json_t *vectors_load(const char *dir, const char *file);

/* These members must be there: their absence fails the test. */
const char *member_string(const json_t *object, const char *name);
json_int_t member_int(const json_t *object, const char *name);
const json_t *member_array(const json_t *object, const char *name);

#endif
