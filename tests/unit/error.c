/* Calls in which something fails: one that succeeds leaves the error from before it, whatever was
 * tried on the way, and also in calls that it makes itself. */
#include "host/support/error.h"

#include "check.h"
#include "run.h"

static void assert_last(parseal_status status, const char *text)
{
    assert_int_equal(parseal_last_status(), status);
    assert_string_equal(parseal_last_error_text(), text);
}

static void success_leaves_the_error_before(void **state)
{
    (void)state;
    (void)parseal_fail(PARSEAL_ERR_ARG, "older");
    parseal_error_begin();
    (void)parseal_fail(PARSEAL_ERR_NO_MEMORY, "first try");
    assert_last(PARSEAL_ERR_NO_MEMORY, "first try");
    parseal_error_end(PARSEAL_OK);
    assert_last(PARSEAL_ERR_ARG, "older");
}

static void failure_is_told(void **state)
{
    (void)state;
    (void)parseal_fail(PARSEAL_ERR_ARG, "older");
    parseal_error_begin();
    parseal_error_end(parseal_fail(PARSEAL_ERR_DEVICE, "the end"));
    assert_last(PARSEAL_ERR_DEVICE, "the end");
}

static void calls_in_calls(void **state)
{
    (void)state;
    for (int inner_fails = 0; inner_fails < 2; inner_fails++)
        for (int outer_fails = 0; outer_fails < 2; outer_fails++) {
            (void)parseal_fail(PARSEAL_ERR_ARG, "older");
            parseal_error_begin();
            (void)parseal_fail(PARSEAL_ERR_NO_MEMORY, "first try");
            parseal_error_begin();
            (void)parseal_fail(PARSEAL_ERR_SIZE, "inside");
            parseal_error_end(inner_fails != 0 ? PARSEAL_ERR_SIZE : PARSEAL_OK);
            if (inner_fails != 0)
                assert_last(PARSEAL_ERR_SIZE, "inside");
            parseal_error_end(outer_fails != 0 ? parseal_fail(PARSEAL_ERR_DEVICE, "the end")
                                               : PARSEAL_OK);
            if (outer_fails != 0)
                assert_last(PARSEAL_ERR_DEVICE, "the end");
            else
                assert_last(PARSEAL_ERR_ARG, "older");
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(success_leaves_the_error_before),
        cmocka_unit_test(failure_is_told),
        cmocka_unit_test(calls_in_calls),
    };
    return RUN_SUITE("errors inside calls that succeed", tests);
}
