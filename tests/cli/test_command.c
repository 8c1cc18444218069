/* The `parseal` command as its users see it: help, versions, devices, self-test, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "folder.h"
#include "parseal/parseal.h"

static void test_help(void **state)
{
    static const char *const args[] = {"--help",         "-h",
                                       "devices --help", "selftest --help",
                                       "round --help",   "round --clients 5 --help"};
    (void)state;
    for (size_t i = 0; i < sizeof args / sizeof args[0]; i++) {
        command_result result = command_run(args[i]);
        assert_int_equal(result.code, 0);
        assert_int_equal(strncmp(result.out, "usage: parseal ", 15), 0);
        assert_string_equal(result.err, "");
        command_free(&result);
    }
}

static void test_version(void **state)
{
    char expected[64];
    command_result result = command_run("--version");
    (void)state;
    snprintf(expected, sizeof expected, "parseal %s\n", parseal_version());
    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, expected);
    command_free(&result);
}

static void test_usage_errors(void **state)
{
    static const struct {
        const char *args, *text;
    } cases[] = {
        {"", "no command given"},
        {"rounds", "'rounds' is not a command"},
        {"--speed", "'--speed' is not a command"},
        {"devices now", "unexpected argument 'now'"},
        {"selftest --all", "unknown option '--all'"},
        {"round --bits 25", "--bits '25'"},
        {"round --clients", "'--clients' needs a value"},
        {"round --modulus 1310700", "modulus"},
        {"round --clients 5 --neighbours 3", "odd number of neighbours"},
        {"round --params none.safetensors", "none.safetensors: No such file"},
        {"round --dim 10 --json none/x.json", "none/x.json"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        command_result result = command_run(cases[i].args);
        assert_refused(&result, 2, cases[i].text);
    }
}

static void test_bad_file(void **state)
{
    static const char header[] =
        "{\"layer.0\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976],\"data_offsets\":[0,4]}}";
    (void)state;
    const char *path = folder_write_safetensors("bad.safetensors", header, "1234", 4);
    const char *const more[] = {"--params", path, NULL};
    command_result result = command_run_with("round --json -", more);
    assert_refused(&result, 2, "tensor 'layer.0': shape: 1152921504606846976 elements");
}

/* How many implementations are in this state. */
static size_t count_impls(int32_t wanted)
{
    size_t n = 0;
    for (size_t i = 0; i < parseal_impl_count(); i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_int_equal(parseal_impl_test(i, &impl), PARSEAL_OK);
        n += impl.state == wanted;
    }
    return n;
}

static void test_selftest(void **state)
{
    size_t n = parseal_impl_count(), passed = count_impls(PARSEAL_IMPL_PASSED), lines = 0;
    char last[80];
    command_result result = command_run("selftest");
    (void)state;
    assert_int_equal(count_impls(PARSEAL_IMPL_FAILED), 0);
    assert_true(passed >=
                (size_t)parseal_primitive_count()); /* each primitive has a portable one */
    assert_int_equal(result.code, 0);
    for (const char *c = result.out; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, n + 1);
    snprintf(last, sizeof last, "\n%zu passed, 0 failed, %zu not on this machine\n", passed,
             n - passed);
    assert_non_null(strstr(result.out, last));
    command_free(&result);
}

static void test_devices(void **state)
{
    parseal_ctx *ctx = NULL;
    parseal_info info = PARSEAL_INFO_INIT;
    char picked[200];
    command_result result = command_run("devices");
    (void)state;
    assert_int_equal(result.code, 0);
    for (size_t i = 0; i < parseal_impl_count(); i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_int_equal(parseal_impl_test(i, &impl), PARSEAL_OK);
        assert_non_null(strstr(result.out, impl.name));
    }
    assert_int_equal(parseal_ctx_create(&ctx, NULL), PARSEAL_OK);
    assert_int_equal(parseal_ctx_info(ctx, &info), PARSEAL_OK);
    parseal_ctx_destroy(ctx);
    snprintf(picked, sizeof picked, "\nAUTO picks %s: %s, ", parseal_backend_name(info.backend),
             info.device);
    assert_non_null(strstr(result.out, picked));
    assert_non_null(strstr(result.out, info.reason));
    command_free(&result);
}

/* A backend that is asked for is never replaced by another one. */
static void test_named_backends(void **state)
{
    (void)state;
    for (int32_t b = PARSEAL_BACKEND_CPU; strcmp(parseal_backend_name(b), "unknown") != 0; b++) {
        parseal_options options = PARSEAL_OPTIONS_INIT;
        parseal_ctx *ctx = NULL;
        char args[100];
        options.backend = b;
        snprintf(args, sizeof args, "round --dim 10 --json - --backend %s",
                 parseal_backend_name(b));
        command_result result = command_run(args);
        if (parseal_ctx_create(&ctx, &options) == PARSEAL_OK) {
            json_t *json = json_loads(result.out, 0, NULL);
            assert_int_equal(result.code, 0);
            assert_non_null(json);
            assert_string_equal(json_string_value(json_member(json, "backend", "name")),
                                parseal_backend_name(b));
            json_decref(json);
            command_free(&result);
            parseal_ctx_destroy(ctx);
        } else {
            assert_refused(&result, 1, parseal_backend_name(b));
        }
    }
}

static void test_wrong_environment(void **state)
{
    (void)state;
    assert_int_equal(setenv("PARSEAL_BACKEND", "tpu", 1), 0);
    command_result result = command_run("round --dim 10");
    unsetenv("PARSEAL_BACKEND");
    assert_refused(&result, 2, "tpu");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help),           cmocka_unit_test(test_version),
        cmocka_unit_test(test_usage_errors),   cmocka_unit_test(test_bad_file),
        cmocka_unit_test(test_selftest),       cmocka_unit_test(test_devices),
        cmocka_unit_test(test_named_backends), cmocka_unit_test(test_wrong_environment),
    };
    return cmocka_run_group_tests_name("command", tests, folder_create, folder_remove);
}
