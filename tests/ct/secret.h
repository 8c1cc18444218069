/* Secrets as Valgrind's memcheck follows them: undefined memory is secret, and memcheck reports
 * every jump and every address that depends on it. */
#ifndef PARSEAL_TESTS_SECRET_H
#define PARSEAL_TESTS_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Returns whether this program was built with Valgrind's header, and is run by Valgrind. */
bool secrets_are_followed(void);

void make_secret(const void *p, size_t n);
void make_public(const void *p, size_t n);

/* Returns how many jumps and addresses that depend on a secret have been reported so far. Where
 * expected.supp is in use, what it lets through is not counted. */
unsigned secret_jumps(void);

/* Fails the test unless every piece of `size` bytes has a secret bit: the mark that was set on a
 * call's inputs must have come through to its outputs, or nothing was followed. */
void check_secret(const void *p, size_t n, size_t size, const char *what, const char *file,
                  int line);

#define assert_secret(p, n, size) check_secret((p), (n), (size), #p, __FILE__, __LINE__)

#endif
