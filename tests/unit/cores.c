/* Quotas of control groups, read from files as the kernel writes them (cgroup-v2.rst). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "host/support/cores.h"
#include "run.h"

static char root[] = "/tmp/parseal-cores-XXXXXX";

static const char *at(const char *path)
{
    static char text[256];
    (void)snprintf(text, sizeof text, "%s%s", root, path);
    return text;
}

static void write_max(const char *group, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/cpu.max", group);
    FILE *file = fopen(at(path), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_groups(void **state)
{
    (void)state;
    return mkdtemp(root) == NULL || mkdir(at("/a"), 0700) != 0 || mkdir(at("/a/b"), 0700) != 0 ||
           mkdir(at("/a/free"), 0700) != 0;
}

static int remove_groups(void **state)
{
    (void)state;
    static const char *const paths[] = {"/a/b/cpu.max", "/a/cpu.max", "/cpu.max", "/a/free/cpu.max",
                                        "/a/b",         "/a/free",    "/a",       ""};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        (void)remove(at(paths[i]));
    return 0;
}

static void quotas(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t cores; /* 0: none */
    } cases[] = {
        {"max 100000\n", 0},    {"100000 100000\n", 1},
        {"100001 100000\n", 2}, {"150000 100000\n", 2},
        {"200000 100000\n", 2}, {"1000 100000\n", 1},
        {"50000 10000\n", 5},   {"0 100000\n", 0},
        {"100000 0\n", 0},      {"", 0},
        {"100000\n", 0},        {"18446744073709551615 1\n", 4096},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_max("/a/b", cases[i].text);
        assert_int_equal(cores_of_group(root, "/a/b"), cases[i].cores);
    }
}

/* A group has no more than any group above it. The root group has no such file, but a container
 * sees its own group as the root. */
static void groups_above(void **state)
{
    (void)state;
    write_max("/a/b", "max 100000\n");
    write_max("/a", "300000 100000\n");
    assert_int_equal(cores_of_group(root, "/a/b"), 3);
    write_max("/a/b", "200000 100000\n");
    assert_int_equal(cores_of_group(root, "/a/b"), 2);
    write_max("", "100000 100000\n");
    assert_int_equal(cores_of_group(root, "/a/b"), 1);
    assert_int_equal(cores_of_group(root, "/"), 1);
    assert_int_equal(cores_of_group(root, "/a/free"), 1);
    write_max("", "max 100000\n");
    assert_int_equal(cores_of_group(root, "/"), 0);
    assert_int_equal(cores_of_group(root, "/not/there"), 0);
}

static void this_process(void **state)
{
    (void)state;
    assert_in_range(cores_available(), 1, 4096);
    assert_true(cores_available() <= (uint32_t)sysconf(_SC_NPROCESSORS_CONF));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas),
        cmocka_unit_test(groups_above),
        cmocka_unit_test(this_process),
    };
    return cmocka_run_group_tests_name("cores", tests, make_groups, remove_groups);
}
