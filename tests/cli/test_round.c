/* Whole rounds through the real command: exact for every combination of options. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "folder.h"

static double real_member(const json_t *json, const char *object, const char *member)
{
    const json_t *value = json_member(json, object, member);
    assert_true(json_is_real(value));
    return json_real_value(value);
}

static json_int_t count_member(const json_t *json, const char *object, const char *member)
{
    const json_t *value = json_member(json, object, member);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const char *text_member(const json_t *json, const char *object, const char *member)
{
    const char *text = json_string_value(json_member(json, object, member));
    assert_non_null(text);
    return text;
}

/* Up to 16 bits, rounding one step up or down is the whole error; with 24 bits, float32 itself
 * adds to it. */
static void assert_good(const json_t *json)
{
    double step = real_member(json, "result", "step");
    double error = real_member(json, "result", "max_error");
    double limit = count_member(json, "settings", "bits") <= 16 ? 1.01 : 4;
    assert_true(json_is_true(json_member(json, "result", "exact")));
    assert_int_equal(count_member(json, "result", "differing"), 0);
    assert_true(error >= 0 && error < limit * step);
}

static const char *const exact_rounds[] = {
    "--dim 1000",
    "--dim 1",
    "--dim 7 --clients 2 --dropout 0.5",
    "--dim 1000 --clients 5 --neighbours all --dropout 0",
    "--dim 1000 --clients 10 --neighbours 4 --dropout 0.3",
    "--dim 1000 --clients 10 --neighbours 3 --dropout 0.5",
    "--dim 1001 --clients 30 --neighbours 1 --dropout 0.3",
    "--dim 1000 --clients 40 --dropout 0.9",
    "--dim 1000 --bits 1 --dropout 0.3",
    "--dim 1000 --bits 1 --clients 2 --modulus 3",
    "--dim 1000 --bits 8 --clients 10 --modulus 2551 --dropout 0.3",
    "--dim 1000 --bits 24 --dropout 0.3",
    "--dim 1000 --bits 24 --modulus 4294967291 --dropout 0.3",
    "--dim 1000 --modulus 2147483659 --neighbours 6",
    "--dim 1000 --modulus 2^32 --neighbours 6",
    "--dim 1000 --modulus 2^33 --neighbours 6",
    "--dim 1000 --modulus 4294967311 --neighbours 6 --dropout 0.3",
    "--dim 1001 --modulus 18446744073709551557 --neighbours 6 --dropout 0.3",
    "--dim 1001 --modulus 2^64 --neighbours 6 --dropout 0.3",
    "--dim 1000 --bits 24 --clients 300 --neighbours 2",
    "--dim 70001 --clients 4 --threads 2 --backend cpu",
    "--dim 1000 --graph complete --clients 30 --dropout 0.3 --threshold 21",
    "--dim 1000 --graph complete --clients 30 --dropout 0.3 --threshold 1",
    "--dim 1000 --graph complete --clients 30 --dropout 0 --threshold 30",
    "--dim 1000 --graph harary --clients 30 --dropout 0.2 --neighbours 14 --threshold 9",
    "--dim 1000 --graph harary --clients 12 --neighbours 11 --dropout 0.5 --threshold 6",
    "--dim 1000 --graph harary --clients 200 --neighbours 7 --dropout 0.9",
    "--dim 100 --clients 300 --neighbours 40 --dropout 0.3 --threshold 15",
    /* More than one batch for the server, the last one not full. */
    "--dim 900000 --clients 11 --neighbours 2 --modulus 2^40 --dropout 0",
};

static void test_exact(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof exact_rounds / sizeof exact_rounds[0]; i++) {
        json_t *json = command_round(exact_rounds[i]);
        assert_good(json);
        json_decref(json);
    }
}

static void test_figures(void **state)
{
    json_t *json = command_round("--dim 1000 --clients 10 --neighbours 4 --dropout 0.3 --bits 8 "
                                 "--threads 1 --backend cpu");
    (void)state;
    assert_int_equal(count_member(json, "settings", "dim"), 1000);
    assert_int_equal(count_member(json, "settings", "clients"), 10);
    assert_int_equal(count_member(json, "settings", "neighbours"), 4);
    assert_string_equal(text_member(json, "settings", "graph"), "harary");
    assert_int_equal(count_member(json, "settings", "holders"), 5);
    assert_in_range(count_member(json, "settings", "threshold"), 1, 3);
    assert_int_equal(count_member(json, "settings", "dropped"), 3);
    assert_int_equal(count_member(json, "settings", "survivors"), 7);
    assert_int_equal(count_member(json, "settings", "wire_bits"), 12);
    assert_int_equal(count_member(json, "settings", "message_bytes"), 1500);
    assert_int_equal(count_member(json, "settings", "nonfinite"), 0);
    assert_string_equal(text_member(json, "settings", "modulus"), "4096");
    assert_string_equal(text_member(json, "settings", "params"), "gaussian");
    assert_string_equal(text_member(json, "backend", "name"), "cpu");
    assert_int_equal(count_member(json, "backend", "cpu_threads"), 1);
    assert_true(fabs(real_member(json, "settings", "rms") - 0.01) < 0.002);
    double largest =
        real_member(json, "settings", "max_abs") + real_member(json, "settings", "rms") / 4;
    assert_true(fabs(real_member(json, "settings", "clip") / largest - 1) < 1e-6);
    assert_true(json_integer_value(json_object_get(json, "peak_memory_bytes")) > 100000);
    json_decref(json);
}

static void test_stages(void **state)
{
    /* 10 clients, 3 of them drop out; the server strips the self masks of 7. */
    static const struct {
        const char *name;
        json_int_t bytes; /* -1: not counted */
    } expected[] = {{"share", 10 * 5 * 2 * 32},   {"agree", -1},
                    {"update", 10 * 4000},        {"quantise", 10 * 4000},
                    {"mask", 10 * 5 * 4000},      {"pack", 7 * 4000},
                    {"seal", 7 * 1500},           {"add", 7 * 1500},
                    {"reconstruct", 10 * 2 * 32}, {"recover", -1},
                    {"unmask", 7 * 4000},         {"dequantise", 4000}};
    json_t *json = command_round("--dim 1000 --clients 10 --neighbours 4 --dropout 0.3 --bits 8 "
                                 "--threshold 2 --seed 3");
    const json_t *stages = json_object_get(json, "stages");
    double sum = 0;
    (void)state;
    assert_int_equal(json_array_size(stages), sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < json_array_size(stages); i++) {
        const json_t *stage = json_array_get(stages, i);
        json_int_t bytes = json_integer_value(json_object_get(stage, "bytes"));
        assert_string_equal(json_string_value(json_object_get(stage, "stage")), expected[i].name);
        sum += json_real_value(json_object_get(stage, "seconds"));
        if (expected[i].bytes < 0)
            assert_true(json_is_null(json_object_get(stage, "bytes")));
        else if (strcmp(expected[i].name, "unmask") == 0) /* and up to 4 pairs per dropout */
            assert_true(bytes >= expected[i].bytes && bytes <= (7 + 3 * 4) * 4000);
        else
            assert_int_equal(bytes, expected[i].bytes);
    }
    assert_true(fabs(json_real_value(json_object_get(json, "total_seconds")) - sum) < 1e-9);
    json_decref(json);
}

static void assert_same_result(const json_t *a, const json_t *b, bool same)
{
    const char *left = text_member(a, "result", "sum_blake2b256");
    const char *right = text_member(b, "result", "sum_blake2b256");
    assert_int_equal(strlen(left), 64);
    assert_int_equal(strcmp(left, right) == 0, same);
    if (same)
        assert_true(json_equal(json_object_get(a, "result"), json_object_get(b, "result")));
}

static void test_seed_repeats(void **state)
{
    char args[200];
    json_t *random = command_round("--dim 5000");
    json_t *other = command_round("--dim 5000");
    (void)state;
    assert_same_result(random, other, false);
    snprintf(args, sizeof args, "--dim 5000 --threads 1 --seed %s",
             text_member(random, "settings", "seed"));
    json_t *again = command_round(args);
    assert_same_result(random, again, true);
    json_decref(again);
    json_decref(other);
    json_decref(random);

    json_t *integer = command_round("--dim 100 --seed 258");
    json_t *hex = command_round("--dim 100 --seed 0201000000000000000000000000000000000000000000"
                                "000000000000000000");
    assert_same_result(integer, hex, true);
    json_decref(hex);
    json_decref(integer);
}

/* The sum does not depend on the masks: other neighbours, another modulus, the same result. */
static void test_masks_leave_no_trace(void **state)
{
    json_t *all = command_round("--dim 3000 --seed 5 --modulus 2^21");
    json_t *few = command_round("--dim 3000 --seed 5 --modulus 1310719 --neighbours 2");
    (void)state;
    assert_same_result(all, few, true);
    json_decref(few);
    json_decref(all);
}

/* Nor on who shares what with whom. */
static void test_shares_leave_no_trace(void **state)
{
    json_t *complete = command_round("--dim 500 --seed 6 --clients 24 --graph complete");
    json_t *harary = command_round("--dim 500 --seed 6 --clients 24 --graph harary --neighbours 15 "
                                   "--threshold 9");
    (void)state;
    assert_int_equal(count_member(complete, "settings", "threshold"), 13);
    assert_int_equal(count_member(harary, "settings", "threshold"), 9);
    assert_same_result(complete, harary, true);
    json_decref(harary);
    json_decref(complete);
}

static void test_below_threshold(void **state)
{
    static const char *const cases[] = {
        "round --dim 1000 --dropout 0.3 --threshold 15",
        "round --dim 1000 --dropout 0.05 --threshold 20 --json -",
        "round --dim 10 --clients 100 --graph harary --neighbours 4 --dropout 0.5 --threshold 5",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        command_result result = command_run(cases[i]);
        assert_refused(&result, 1, "below the threshold");
    }
}

/* A default that this round's dropouts lower says so. */
static void test_lowered_threshold(void **state)
{
    command_result result = command_run("round --dim 100 --dropout 0.9 --json -");
    (void)state;
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.err, "note: "));
    assert_non_null(strstr(result.err, "threshold"));
    json_t *json = json_loads(result.out, 0, NULL);
    assert_int_equal(count_member(json, "settings", "threshold"), 2);
    json_decref(json);
    command_free(&result);
}

static void test_clipped(void **state)
{
    json_t *json = command_round("--dim 1000 --clip 0.001");
    (void)state;
    assert_true(json_is_true(json_member(json, "result", "exact")));
    assert_true(real_member(json, "result", "max_error") > 0.005);
    json_decref(json);
}

static json_t *round_of_file(const char *path, const char *args)
{
    char line[1024];
    assert_true((size_t)snprintf(line, sizeof line, "%s --params %s", args, path) < sizeof line);
    return command_round(line);
}

static void test_nonfinite(void **state)
{
    static const float values[6] = {0.5f, NAN, -0.25f, INFINITY, 0.125f, -INFINITY};
    const char *path = folder_write("nonfinite.f32", values, sizeof values);
    json_t *json = round_of_file(path, "--clients 10 --dropout 0.2");
    (void)state;
    assert_good(json);
    assert_int_equal(count_member(json, "settings", "nonfinite"), 3);
    assert_int_equal(count_member(json, "settings", "nonfinite_quantised"), 30);
    assert_string_equal(text_member(json, "settings", "params"), "nonfinite.f32");
    json_decref(json);
}

static void test_extreme_parameters(void **state)
{
    static const float zeros[5] = {0}, huge[2] = {3e38f, -3e38f};
    const char *path = folder_write("zeros.f32", zeros, sizeof zeros);
    json_t *json = round_of_file(path, "--clients 3");
    (void)state;
    assert_good(json);
    json_decref(json);

    path = folder_write("huge.f32", huge, sizeof huge);
    const char *const more[] = {"--params", path, NULL};
    command_result result = command_run_with("round", more);
    assert_refused(&result, 2, "give a --clip");
    json = round_of_file(path, "--clip 1");
    assert_true(json_is_true(json_member(json, "result", "exact")));
    json_decref(json);
}

static void test_safetensors(void **state)
{
    static const char header[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[24,32]}}";
    static const float data[8] = {1, 2, 3, 4, 5, -6};
    const char *path = folder_write_safetensors("m.safetensors", header, data, sizeof data);
    const char *const more[] = {"--params", path, NULL};
    command_result result = command_run_with("round --json -", more);
    (void)state;
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.err, "note: "));
    assert_non_null(strstr(result.err, "tensor 'ids' is left out: I64 does not convert"));
    json_t *json = json_loads(result.out, 0, NULL);
    assert_good(json);
    assert_int_equal(count_member(json, "settings", "dim"), 6);
    json_decref(json);
    command_free(&result);
}

static size_t count_lines(const char *text, const char *with)
{
    size_t n = 0;
    for (const char *c = text; (c = strstr(c, with)) != NULL; c++)
        n++;
    return n;
}

/* Notes name what is left out, the first 20, and count what the rest are. */
static void test_safetensors_left_out(void **state)
{
    char header[4096] = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}",
         more_of_it[128];
    static const float data[2] = {1, 2};
    (void)state;
    for (int i = 0; i < 21; i++) {
        snprintf(more_of_it, sizeof more_of_it,
                 ",\"t%d.\":{\"dtype\":\"F8_E8M0\",\"shape\":[0],\"data_offsets\":[8,8]}", i);
        strcat(header, more_of_it);
    }
    for (int closed = 0; closed < 2; closed++) {
        if (closed == 0)
            strcat(header, "}");
        else /* one tensor more */
            strcpy(header + strlen(header) - 1,
                   ",\"u\":{\"dtype\":\"BOOL\",\"shape\":[0],\"data_offsets\":[8,8]}}");
        const char *path = folder_write_safetensors("l.safetensors", header, data, sizeof data);
        const char *const more[] = {"--params", path, NULL};
        command_result result = command_run_with("round --clients 3 --json -", more);
        assert_int_equal(result.code, 0);
        assert_int_equal(count_lines(result.err, "' is left out: "), 20);
        assert_non_null(strstr(result.err, closed == 0 ? "1 more tensor is left out, 21 in all"
                                                       : "2 more tensors are left out, 22 in all"));
        command_free(&result);
    }
}

/* 0.1 is no float32 and 1e300 is larger than all of them; 0.5, an infinity and a NaN are. */
static void test_f64_is_rounded(void **state)
{
    static const char header[] =
        "{\"w\":{\"dtype\":\"F64\",\"shape\":[5],\"data_offsets\":[0,40]}}";
    static const uint8_t data[40] = {
        0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f, /* 0.1 */
        0,    0,    0,    0,    0,    0,    0xe0, 0x3f, /* 0.5 */
        0x9c, 0x75, 0,    0x88, 0x3c, 0xe4, 0x37, 0x7e, /* 1e300 */
        0,    0,    0,    0,    0,    0,    0xf0, 0x7f, /* an infinity */
        0,    0,    0,    0,    0,    0,    0xf8, 0x7f, /* a NaN */
    };
    const char *path = folder_write_safetensors("d.safetensors", header, data, sizeof data);
    const char *const more[] = {"--params", path, NULL};
    command_result result = command_run_with("round --clients 3 --json -", more);
    (void)state;
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.err, "note: 2 of 5 F64 values are rounded"));
    json_t *json = json_loads(result.out, 0, NULL);
    assert_good(json);
    assert_int_equal(count_member(json, "settings", "dim"), 5);
    assert_int_equal(count_member(json, "settings", "nonfinite"), 3);
    json_decref(json);
    command_free(&result);
}

static void test_model_in_shards(void **state)
{
    static const char index[] =
        "{\"weight_map\":{\"w\":\"a.safetensors\",\"v\":\"b.safetensors\"}}";
    static const float data[2] = {1, -2};
    (void)state;
    folder_write_safetensors("a.safetensors",
                             "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                             data, sizeof data);
    folder_write_safetensors("b.safetensors",
                             "{\"v\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[0,8]}}",
                             data, sizeof data);
    const char *path = folder_write("m.safetensors.index.json", index, sizeof index - 1);
    json_t *json = round_of_file(path, "--clients 3");
    assert_good(json);
    assert_int_equal(count_member(json, "settings", "dim"), 6);
    assert_string_equal(text_member(json, "settings", "params"), "m.safetensors.index.json");
    json_decref(json);
}

/* The text report, and the same figures in a file beside it. */
static void test_text_and_file(void **state)
{
    const char *path = folder_path("report.json");
    const char *const more[] = {"--json", path, NULL};
    command_result result = command_run_with("round --dim 500 --seed 9", more);
    json_t *json = json_load_file(path, 0, NULL);
    (void)state;
    assert_int_equal(result.code, 0);
    assert_string_equal(result.err, ""); /* no progress bar: not a terminal */
    assert_non_null(
        strstr(result.out, "\nexact: the unmasked sum equals the plain sum of the 18 "));
    assert_non_null(strstr(result.out, text_member(json, "result", "sum_blake2b256")));
    assert_non_null(strstr(result.out, text_member(json, "settings", "seed")));
    assert_good(json);
    json_decref(json);
    command_free(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_seed_repeats),
        cmocka_unit_test(test_masks_leave_no_trace),
        cmocka_unit_test(test_shares_leave_no_trace),
        cmocka_unit_test(test_below_threshold),
        cmocka_unit_test(test_lowered_threshold),
        cmocka_unit_test(test_clipped),
        cmocka_unit_test(test_nonfinite),
        cmocka_unit_test(test_extreme_parameters),
        cmocka_unit_test(test_safetensors),
        cmocka_unit_test(test_safetensors_left_out),
        cmocka_unit_test(test_f64_is_rounded),
        cmocka_unit_test(test_model_in_shards),
        cmocka_unit_test(test_text_and_file),
    };
    return cmocka_run_group_tests_name("round", tests, folder_create, folder_remove);
}
