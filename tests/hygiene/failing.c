#include "failing.h"

#include <sodium.h>
#include <stdlib.h>

#include "check.h"

static bool counting, failed;
static size_t left; /* allocations until one fails */

static bool fails(void)
{
    if (!counting || left-- > 0)
        return false;
    counting = false;
    failed = true;
    return true;
}

void fail_nth(size_t n)
{
    left = n;
    failed = false;
    counting = true;
}

bool stop_failing(void)
{
    counting = false;
    return failed;
}

/* clang-format off */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_sodium_malloc(size_t size);
void *__real_sodium_allocarray(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_sodium_malloc(size_t size);
void *__wrap_sodium_allocarray(size_t n, size_t size);

void *__wrap_malloc(size_t size) { return fails() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t size) { return fails() ? NULL : __real_realloc(p, size); }
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
void *__wrap_sodium_malloc(size_t size) { return fails() ? NULL : __real_sodium_malloc(size); }
void *__wrap_sodium_allocarray(size_t n, size_t size)
{
    return fails() ? NULL : __real_sodium_allocarray(n, size);
}
/* clang-format on */

void each_allocation(a_call call, a_check unchanged, size_t least)
{
    size_t n = 0;
    for (;; n++) {
        fail_nth(n);
        const parseal_status status = call();
        if (!stop_failing()) {
            assert_ok(status);
            break;
        }
        if (status != PARSEAL_ERR_NO_MEMORY)
            print_error("allocation %zu fails: %s\n", n, parseal_last_error_text());
        assert_int_equal(status, PARSEAL_ERR_NO_MEMORY);
        if (unchanged != NULL)
            unchanged();
    }
    if (n < least)
        print_error("%zu allocations of %zu\n", n, least);
    assert_true(n >= least);
}
