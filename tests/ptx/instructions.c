/* The interpreter's arithmetic: every operation that it has, against the PTX manual. */
#include "check.h"
#include "interpreter.h"
#include "rows.h"
#include "run.h"

static void check_rows(const char *const *list)
{
    for (; *list != NULL; list++)
        check_row(*list);
}

static void integers(void **state)
{
    (void)state;
    check_rows(INTEGER_ROWS);
}

static void bits(void **state)
{
    (void)state;
    check_rows(BIT_ROWS);
}

static void comparisons(void **state)
{
    (void)state;
    check_rows(COMPARISON_ROWS);
}

static void floats(void **state)
{
    (void)state;
    check_rows(FLOAT_ROWS);
}

static void every_operation_is_tried(void **state)
{
    (void)state;
    size_t n = 0;
    for (const char *name; (name = interpreter_operation(n)) != NULL; n++)
        if (!has_row(INTEGER_ROWS, name) && !has_row(BIT_ROWS, name) &&
            !has_row(COMPARISON_ROWS, name) && !has_row(FLOAT_ROWS, name))
            fail_msg("%s has no row", name);
    assert_true(n > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(bits),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(floats),
        cmocka_unit_test(every_operation_is_tried),
    };
    return RUN_SUITE("instructions of PTX", tests);
}
