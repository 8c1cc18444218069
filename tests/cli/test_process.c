/* A process before it holds keys, and the keys that are in its environment. */
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include <cmocka.h>

#include "host/cli/process.h"
#include "host/cli/sealed/key.h"

/* check runs in a child, as what it does to a process lasts; it returns 0, or where it is wrong. */
static void in_child(int (*check)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(check());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int check_cores(void)
{
    struct rlimit limit = {1, 1};
    if (!process_begin())
        return 1;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0 || limit.rlim_max != 0)
        return 2;
#if defined(__linux__)
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 3;
#endif
    return 0;
}

static void no_core(void **state)
{
    (void)state;
    in_child(check_cores);
}

static int check_closed(void)
{
    char byte = 0;
    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    if (!process_begin())
        return 1;
    for (int fd = 0; fd <= 2; fd++)
        if (process_can_read(fd) || process_can_write(fd) || read(fd, &byte, 1) >= 0 ||
            write(fd, &byte, 1) >= 0)
            return 2 + fd;
    return open("/dev/null", O_RDONLY) > 2 ? 0 : 5;
}

static int check_open(void)
{
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[0], 0) < 0 || dup2(ends[1], 1) < 0 || !process_begin())
        return 1;
    if (!process_can_read(0) || process_can_write(0) || process_can_read(1) ||
        !process_can_write(1))
        return 2;
    return process_can_read(777) || process_can_write(777) ? 3 : 0;
}

static void standard_streams(void **state)
{
    (void)state;
    in_child(check_closed);
    in_child(check_open);
}

static void key_leaves_the_environment(void **state)
{
    static char variable[] =
        "PARSEAL_TEST_KEY=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    static char wrong[] = "PARSEAL_TEST_KEY=0001", longer[] = "PARSEAL_TEST_KEY2=stays";
    static const char zero[sizeof variable];
    const size_t at = strlen("PARSEAL_TEST_KEY=");
    const key_source source = {"--key", NULL, "PARSEAL_TEST_KEY", -1};
    cli_failure failure = {CLI_OK, ""};
    uint8_t *key = NULL;
    (void)state;
    assert_int_equal(putenv(longer), 0);
    assert_int_equal(putenv(variable), 0);
    assert_int_equal(key_load(&key, &source, &failure), CLI_OK);
    for (int i = 0; i < KEY_BYTES; i++)
        assert_int_equal(key[i], i);
    sodium_free(key);
    assert_null(getenv("PARSEAL_TEST_KEY"));
    assert_memory_equal(variable + at, zero, sizeof variable - at);
    assert_int_equal(key_load(&key, &source, &failure), CLI_USAGE);
    assert_non_null(strstr(failure.text, "there is no such variable"));
    /* What is no key may be most of one. */
    assert_int_equal(putenv(wrong), 0);
    assert_int_equal(key_load(&key, &source, &failure), CLI_USAGE);
    assert_null(getenv("PARSEAL_TEST_KEY"));
    assert_memory_equal(wrong + at, zero, sizeof wrong - at);
    assert_string_equal(getenv("PARSEAL_TEST_KEY2"), "stays");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_core),
        cmocka_unit_test(standard_streams),
        cmocka_unit_test(key_leaves_the_environment),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
