#include "secret.h"

#include "test.h"

#if PARSEAL_TESTS_MEMCHECK
#include <valgrind/memcheck.h>

bool secrets_are_followed(void)
{
    return RUNNING_ON_VALGRIND != 0;
}

void make_secret(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

void make_public(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

unsigned secret_jumps(void)
{
    return (unsigned)VALGRIND_COUNT_ERRORS;
}

static bool has_secret_bit(const uint8_t *p, size_t n)
{
    uint8_t undefined[16], any = 0;
    assert_true(n <= sizeof undefined);
    assert_int_equal(VALGRIND_GET_VBITS(p, undefined, n), 1);
    for (size_t i = 0; i < n; i++)
        any |= undefined[i];
    return any != 0;
}
#else
bool secrets_are_followed(void)
{
    return false;
}

void make_secret(const void *p, size_t n)
{
    (void)p, (void)n;
}

void make_public(const void *p, size_t n)
{
    (void)p, (void)n;
}

unsigned secret_jumps(void)
{
    return 0;
}

static bool has_secret_bit(const uint8_t *p, size_t n)
{
    (void)p, (void)n;
    return false;
}
#endif

void check_secret(const void *p, size_t n, size_t size, const char *what, const char *file,
                  int line)
{
    for (size_t i = 0; i < n; i += size)
        if (!has_secret_bit((const uint8_t *)p + i, n - i < size ? n - i : size)) {
            print_error("%s: byte %zu of %zu does not depend on a secret\n", what, i, n);
            _fail(file, line);
        }
}
