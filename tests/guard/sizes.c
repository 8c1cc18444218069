#include "sizes.h"

#include "run.h"

void visit_sizes(size_visitor visit, void *arg)
{
    static const size_t more[] = {1023, 1024, 1025, 4095, 4096, 4097};
    for (int side = 0; side < GUARD_SIDES; side++) {
        for (size_t n = 0; n <= 130; n++)
            if (run_length(n))
                visit(arg, (guard_side)side, n);
        for (size_t i = 0; i < COUNT_OF(more); i++)
            visit(arg, (guard_side)side, more[i]);
    }
}

void guards_open(guard_buf *list, size_t n, size_t capacity)
{
    for (size_t i = 0; i < n; i++)
        guard_open(&list[i], capacity);
}

void guards_check(const guard_buf *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        guard_check(&list[i]);
}

void guards_close(guard_buf *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        guard_close(&list[i]);
}
