/* Libraries that are looked for at run time: none is an ordinary thing, and one that does not load
 * has a reason. */
#include "host/support/dynlib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "run.h"

static const char absent[] = "libparseal-no-such-library.so.1";

static void found(void **state)
{
    (void)state;
    static const char *const names[] = {absent, "libc.so.6", NULL};
    void *library = dynlib_open(names);
    assert_non_null(library);
    dynlib_close(library);
}

static void none(void **state)
{
    (void)state;
    static const char *const names[] = {absent, absent, NULL};
    assert_null(dynlib_open(names));
    assert_string_equal(dynlib_why_none(), "");
}

/* The reason is the one of the library that is there, wherever it stands in the list, and is
 * forgotten when another is looked for. */
static void there_and_no_library(void **state)
{
    (void)state;
    char path[256];
    const char *base = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/parseal-dynlib-XXXXXX", base != NULL ? base : "/tmp");
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "not a library\n", 14), 14);
    assert_int_equal(close(fd), 0);
    const char *const orders[][3] = {{path, absent, NULL}, {absent, path, NULL}};
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        assert_null(dynlib_open(orders[i]));
        assert_non_null(strstr(dynlib_why_none(), ": it does not load: "));
        assert_non_null(strstr(dynlib_why_none(), path));
        none(state);
    }
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),
        cmocka_unit_test(none),
        cmocka_unit_test(there_and_no_library),
    };
    return RUN_SUITE("libraries at run time", tests);
}
