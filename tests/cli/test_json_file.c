/* Reports appear as a whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "host/cli/json_file.h"

static json_t *sample(int value)
{
    json_t *json = json_pack("{s:i}", "value", value);
    assert_non_null(json);
    return json;
}

static void write_value(const char *path, int value)
{
    cli_failure failure = {CLI_OK, ""};
    json_t *json = sample(value);
    assert_int_equal(json_file_check(path, &failure), CLI_OK);
    assert_int_equal(json_file_write(path, json, &failure), CLI_OK);
    json_decref(json);
}

static void assert_value(const char *path, int value)
{
    json_t *read = json_load_file(path, 0, NULL);
    assert_non_null(read);
    assert_int_equal(json_integer_value(json_object_get(read, "value")), value);
    json_decref(read);
}

static void test_new_and_replaced(void **state)
{
    const char *path = folder_path("new.json");
    struct stat status;
    mode_t mask = umask(027);
    (void)state;
    write_value(path, 1);
    umask(mask);
    assert_value(path, 1);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    write_value(path, 2);
    assert_value(path, 2);
    assert_int_equal(folder_count(), 1); /* no temporary file is left */
    unlink(path);
}

static void test_link_stays_a_link(void **state)
{
    const char *file = folder_path("file.json"), *link = folder_path("link.json");
    struct stat status;
    (void)state;
    write_value(file, 1);
    assert_int_equal(symlink(file, link), 0);
    write_value(link, 2);
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_value(file, 2);
    unlink(link);
    unlink(file);
}

static void test_failures(void **state)
{
    cli_failure failure = {CLI_OK, ""};
    json_t *json = sample(1);
    (void)state;
    assert_int_equal(json_file_check(folder_path("none/x.json"), &failure), CLI_USAGE);
    assert_int_equal(json_file_check(folder_path("."), &failure), CLI_USAGE);
    assert_int_equal(json_file_write(folder_path("none/x.json"), json, &failure), CLI_FAILED);
    assert_non_null(strstr(failure.text, "none/x.json"));
    assert_int_equal(folder_count(), 0);
    json_decref(json);
}

/* A device is written to, not replaced: this one is always full. */
static void test_device(void **state)
{
    cli_failure failure = {CLI_OK, ""};
    struct stat status;
    (void)state;
    if (stat("/dev/full", &status) != 0 || !S_ISCHR(status.st_mode))
        skip();
    json_t *json = sample(1);
    assert_int_equal(json_file_check("/dev/full", &failure), CLI_OK);
    assert_int_equal(json_file_write("/dev/full", json, &failure), CLI_FAILED);
    assert_non_null(strstr(failure.text, "/dev/full"));
    assert_int_equal(stat("/dev/full", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_and_replaced),
        cmocka_unit_test(test_link_stays_a_link),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_device),
    };
    return cmocka_run_group_tests_name("json file", tests, folder_create, folder_remove);
}
