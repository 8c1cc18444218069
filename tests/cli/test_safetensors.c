/* Safetensors files, good and malformed, through params_load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "host/cli/bytes.h"
#include "host/cli/json_reader.h"
#include "host/cli/round/params.h"

/* A tensor's entry. */
#define T(name, dtype, shape, offsets) \
    "\"" name "\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define F32 "\"F32\""

static const uint8_t zeros[64];

static void assert_bad(const char *what, const char *path, const char *first, const char *second)
{
    cli_failure failure = {CLI_OK, ""};
    params p;
    int code = params_load(&p, path, &failure);
    if (code != CLI_USAGE || strstr(failure.text, first) == NULL ||
        strstr(failure.text, second) == NULL)
        print_error("%s: %d, '%s'\n", what, code, failure.text);
    assert_int_equal(code, CLI_USAGE);
    assert_int_equal(failure.code, CLI_USAGE);
    assert_non_null(strstr(failure.text, first));
    assert_non_null(strstr(failure.text, second));
    for (const char *c = failure.text; *c != '\0'; c++)
        assert_true((unsigned char)*c >= ' ');
    assert_null(p.buffer.p);
}

typedef struct {
    const char *what;
    const char *header;
    size_t data_size;
    const char *tensor, *field; /* both must be in the message */
} bad_file;

static const bad_file bad_tensors[] = {
    {"overlap", "{" T("a", F32, "[4]", "[0,16]") "," T("b", F32, "[4]", "[8,24]") "}", 24, "'b'",
     "data_offsets: begin 8 overlaps tensor 'a'"},
    {"same place", "{" T("a", F32, "[4]", "[0,16]") "," T("b", F32, "[4]", "[0,16]") "}", 16, "'",
     "data_offsets: begin 0 overlaps"},
    {"gap", "{" T("a", F32, "[1]", "[0,4]") "," T("b", F32, "[1]", "[8,12]") "}", 12, "'b'",
     "data_offsets: begin 8 leaves a gap of 4 bytes"},
    {"gap in front", "{" T("a", F32, "[1]", "[4,8]") "}", 8, "'a'", "data_offsets"},
    {"unused data", "{" T("a", F32, "[1]", "[0,4]") "}", 6, "'a'", "data_offsets: end 4 leaves"},
    {"past the data", "{" T("a", F32, "[4]", "[0,16]") "}", 15, "'a'", "data_offsets: end 16"},
    {"far past the data", "{" T("a", F32, "[2]", "[9223372036854775799,9223372036854775807]") "}",
     8, "'a'", "data_offsets: end 9223372036854775807"},
    {"backwards", "{" T("a", F32, "[1]", "[4,0]") "}", 4, "'a'", "data_offsets: begin 4"},
    {"negative offset", "{" T("a", F32, "[1]", "[-4,0]") "}", 4, "'a'", "data_offsets"},
    {"real offset", "{" T("a", F32, "[1]", "[0,4.0]") "}", 4, "'a'", "data_offsets"},
    {"one offset", "{" T("a", F32, "[1]", "[4]") "}", 4, "'a'", "data_offsets"},
    {"three offsets", "{" T("a", F32, "[1]", "[0,4,4]") "}", 4, "'a'", "data_offsets"},
    {"offsets no array", "{" T("a", F32, "[1]", "{}") "}", 4, "'a'", "data_offsets"},
    {"huge offset", "{" T("a", F32, "[1]", "[0,18446744073709551620]") "}", 4, "'a'",
     "data_offsets: not an array of two integers"},
    {"no offsets", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "'a'", "data_offsets"},
    {"no shape", "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "'a'", "shape"},
    {"no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "'a'", "dtype"},
    {"unknown dtype", "{" T("a", "\"F31\"", "[1]", "[0,4]") "}", 4, "'a'", "dtype: 'F31'"},
    {"dtype in lower case", "{" T("a", "\"f32\"", "[1]", "[0,4]") "}", 4, "'a'", "dtype: 'f32'"},
    {"dtype no string", "{" T("a", "32", "[1]", "[0,4]") "}", 4, "'a'", "dtype"},
    {"dtype with a zero byte", "{" T("a", "\"F32\\u0000\"", "[1]", "[0,4]") "}", 4, "'a'",
     "dtype: 'F32?' is unknown"},
    {"half an F4", "{" T("a", "\"F4\"", "[3]", "[0,1]") "}", 1, "'a'",
     "shape: 3 elements of F4 are no whole bytes"},
    {"half a byte of F6", "{" T("a", "\"F6_E2M3\"", "[3]", "[0,2]") "}", 2, "'a'",
     "shape: 3 elements of F6_E2M3 are no whole bytes"},
    {"F6 of 4 bytes", "{" T("a", "\"F6_E3M2\"", "[4]", "[0,4]") "}", 4, "'a'", "shape: 4 elements"},
    {"bits overflow", "{" T("a", "\"F4\"", "[4611686018427387904]", "[0,0]") "}", 0, "'a'",
     "shape: 4611686018427387904 elements of F4 overflow 64 bits"},
    {"2^60 elements", "{" T("a", F32, "[1152921504606846976]", "[0,16]") "}", 16, "'a'",
     "shape: 1152921504606846976 elements"},
    {"bytes overflow", "{" T("a", F32, "[4611686018427387904]", "[0,0]") "}", 0, "'a'",
     "shape: 4611686018427387904 elements"},
    {"product overflows", "{" T("a", F32, "[4294967296,4294967296]", "[0,0]") "}", 0, "'a'",
     "shape: the number of elements"},
    {"product wraps to 1", "{" T("a", F32, "[274177,67280421310721,1]", "[0,4]") "}", 4, "'a'",
     "shape: the number of elements"},
    {"extent of 2^63", "{" T("a", F32, "[1,9223372036854775808]", "[0,4]") "}", 4, "'a'",
     "shape: 9223372036854775808 elements of F32 overflow 64 bits"},
    {"extent of 2^64", "{" T("a", F32, "[1,18446744073709551616]", "[0,4]") "}", 4, "'a'",
     "shape: entry 1 is not an integer"},
    {"extent of 10^30",
     "{" T("ok", F32, "[1]", "[0,4]") "," T("a", F32, "[1000000000000000000000000000000]",
                                            "[4,8]") "}",
     8, "'a'", "shape: entry 0"},
    {"negative extent", "{" T("a", F32, "[-1]", "[0,4]") "}", 4, "'a'", "shape: entry 0"},
    {"real extent", "{" T("a", F32, "[1.0]", "[0,4]") "}", 4, "'a'", "shape: entry 0"},
    {"extent a string", "{" T("a", F32, "[\"1\"]", "[0,4]") "}", 4, "'a'", "shape: entry 0"},
    {"shape no array", "{" T("a", F32, "1", "[0,4]") "}", 4, "'a'", "shape"},
    {"shape and offsets differ", "{" T("a", F32, "[2,2]", "[0,12]") "}", 12, "'a'", "shape"},
    {"16-bit size", "{" T("a", "\"BF16\"", "[4]", "[0,16]") "}", 16, "'a'", "shape: 4 elements"},
    {"integers have sizes too", "{" T("a", "\"I64\"", "[2]", "[0,8]") "}", 8, "'a'", "shape"},
    {"entry no object", "{\"a\":[1]}", 4, "'a'", "not an object"},
    {"entry null", "{\"a\":null}", 4, "'a'", "not an object"},
    {"name twice", "{" T("twin", F32, "[1]", "[0,4]") "," T("twin", F32, "[1]", "[4,8]") "}", 8,
     "twin", "is there twice"},
    {"name twice at one place",
     "{" T("twin", F32, "[1]", "[0,4]") "," T("tw\\u0069n", F32, "[1]", "[0,4]") "}", 4, "twin",
     "is there twice"},
    {"field twice",
     "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":"
     "[0,4]}}",
     4, "dtype", "is there twice"},
    {"line breaks in a name", "{\"a\\nb\\u001b[31m\":{\"shape\":[1]}}", 4, "'a?b?[31m'", "dtype"},
};

static void assert_all_bad(const bad_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *path =
            folder_write_safetensors("bad.safetensors", files[i].header, zeros, files[i].data_size);
        assert_bad(files[i].what, path, files[i].tensor, files[i].field);
    }
}

static void test_bad_tensors(void **state)
{
    (void)state;
    assert_all_bad(bad_tensors, sizeof bad_tensors / sizeof bad_tensors[0]);
}

static const bad_file bad_headers[] = {
    {"empty header", "", 0, "bad.safetensors", "header: byte 0: the text ends"},
    {"no JSON", "tensors", 0, "bad.safetensors", "header: not a JSON object"},
    {"cut off", "{\"a\":{\"dtype\":\"F3", 0, "bad.safetensors", "header: byte 17: the text ends"},
    {"more after it", "{} {}", 0, "bad.safetensors", "header: byte 3: nothing but blanks"},
    {"an array", "[]", 0, "bad.safetensors", "header: not a JSON object"},
    {"no UTF-8", "{\"\xff\":{}}", 0, "bad.safetensors", "header: byte 2: a string is not UTF-8"},
    {"byte order mark", "\xef\xbb\xbf{}", 0, "bad.safetensors", "header: byte 0"},
    {"zero byte in a name", "{\"a\\u0000b\":{}}", 0, "'a?b'", "dtype: missing"},
    {"names that differ after a zero byte",
     "{" T("a\\u0000b", F32, "[1]", "[0,4]") "," T("a\\u0000c", F32, "[1]", "[0,4]") "}", 4, "'a?",
     "overlaps"},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "header",
     "__metadata__ is there twice"},
    {"metadata true", "{\"__metadata__\":true}", 0, "header", "__metadata__ is not an object"},
    {"metadata nested", "{\"__metadata__\":{\"k\":{\"l\":\"m\"}}}", 0, "__metadata__", "'k'"},
    {"metadata no object", "{\"__metadata__\":3}", 0, "header", "__metadata__"},
    {"metadata no strings", "{\"__metadata__\":{\"key\":3}}", 0, "__metadata__", "'key'"},
    {"data without tensors", "{}", 4, "header", "no tensors for 4 bytes"},
    {"no tensors", "{}", 0, "bad.safetensors", "no parameters"},
    {"only integers", "{" T("a", "\"I32\"", "[1]", "[0,4]") "}", 4, "bad.safetensors",
     "no parameters"},
    {"only empty tensors", "{" T("a", F32, "[0,5]", "[0,0]") "}", 0, "bad.safetensors",
     "no parameters"},
};

static void test_bad_headers(void **state)
{
    (void)state;
    assert_all_bad(bad_headers, sizeof bad_headers / sizeof bad_headers[0]);
}

static void test_bad_lengths(void **state)
{
    uint8_t file[16] = {0};
    (void)state;
    assert_bad("empty", folder_write("bad.safetensors", file, 0), "header", "8 bytes");
    assert_bad("7 bytes", folder_write("bad.safetensors", file, 7), "header", "8 bytes");
    store_le64(file, 9);
    assert_bad("1 too many", folder_write("bad.safetensors", file, 16), "header",
               "length 9 reaches past the end");
    store_le64(file, 100000001);
    assert_bad("above 100 MB", folder_write("bad.safetensors", file, 16), "header",
               "length 100000001 is above the limit");
    store_le64(file, UINT64_MAX);
    assert_bad("2^64 - 1", folder_write("bad.safetensors", file, 16), "header",
               "length 18446744073709551615 is above");
}

static void test_deep_nesting(void **state)
{
    static const char begin[] = "{\"a\":{\"x\":";
    enum { BEGIN = sizeof begin - 1, DEPTH = 2000000 };
    char *header = malloc(BEGIN + DEPTH + 1);
    (void)state;
    assert_non_null(header);
    memcpy(header, begin, BEGIN);
    memset(header + BEGIN, '[', DEPTH);
    header[BEGIN + DEPTH] = '\0';
    const char *path = folder_write_safetensors("bad.safetensors", header, NULL, 0);
    free(header);
    assert_bad("deep", path, "header: byte 136", "depth of 128");
}

/* Levels that are within the bounds are passed over, where the format has room for anything. */
static void test_nesting_that_is_ignored(void **state)
{
    static const char begin[] =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":";
    enum { BEGIN = sizeof begin - 1, ENTRY = 2 };
    char header[BEGIN + 2 * JSON_READER_DEPTH + 3];
    (void)state;
    for (size_t depth = JSON_READER_DEPTH - ENTRY; depth <= JSON_READER_DEPTH; depth++) {
        cli_failure failure = {CLI_OK, ""};
        params p;
        memcpy(header, begin, BEGIN);
        memset(header + BEGIN, '[', depth);
        memset(header + BEGIN + depth, ']', depth);
        memcpy(header + BEGIN + 2 * depth, "}}", 3);
        const char *path = folder_write_safetensors("deep.safetensors", header, zeros, 4);
        if (depth > JSON_READER_DEPTH - ENTRY) {
            assert_bad("too deep", path, "header", "depth of 128");
            continue;
        }
        assert_int_equal(params_load(&p, path, &failure), CLI_OK);
        assert_int_equal(p.n, 1);
        params_destroy(&p);
    }
}

/* Data order a, b, c, d; the header's order is another, and has a hole of integers. */
static const char good_header[] =
    "{" T("d", F32, "[]", "[24,28]") "," T("b", "\"F16\"", "[3,1]", "[8,14]") "," T(
        "skipped", "\"U16\"", "[1]",
        "[14,16]") "," T("c", "\"BF16\"", "[2,2]",
                         "[16,24]") "," T("empty", F32, "[7,0]",
                                          "[8,8]") ",\"__metadata__\":{\"format\":\"pt\"}"
                                                   "," T("a", F32, "[2]", "[0,8]") "}   ";

static const uint8_t good_data[28] = {
    0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x20, 0xc1, /* a: 1, -10 */
    0x00, 0x3c, 0x01, 0x80, 0xff, 0x7b,             /* b: 1, -2^-24, 65504 */
    0xff, 0xff,                                     /* skipped */
    0x80, 0x3f, 0x49, 0x40, 0x00, 0x80, 0x01, 0x00, /* c: 1, 3.140625, -0, 2^-133 */
    0x00, 0x00, 0x00, 0x3e,                         /* d: 0.125 */
};

static void test_good(void **state)
{
    static const float expected[] = {1.0f, -10.0f,    1.0f,  -0x1p-24f, 65504.0f,
                                     1.0f, 3.140625f, -0.0f, 0x1p-133f, 0.125f};
    enum { N = sizeof expected / sizeof expected[0] };
    cli_failure failure = {CLI_OK, ""};
    params p;
    (void)state;
    const char *path =
        folder_write_safetensors("good.safetensors", good_header, good_data, sizeof good_data);
    assert_int_equal(params_load(&p, path, &failure), CLI_OK);
    assert_int_equal(p.n, N);
    assert_memory_equal(p.x, expected, sizeof expected);
    assert_int_equal(p.nonfinite, 0);
    assert_true(p.max_abs == 65504.0f);
    params_destroy(&p);
}

/* Files that look odd and that the safetensors library reads too: each holds 1, 2. */
#define ENTRY(name) T(name, F32, "[2]", "[0,8]")
static const char *const odd_headers[] = {
    " \t\n\r{" ENTRY("a") "}",
    "{" ENTRY("a") "} \t\n\r",
    "{" ENTRY("") "}",
    "{" ENTRY("a\\u0000b") "}",
    "{" ENTRY("\\u0000") "," T("\\u0000\\u0000", "\"I8\"", "[0]", "[8,8]") "}",
    "{" ENTRY("\\ud83d\\ude00\x7f") "}",
    "{\"__metadata__\":{\"note\":\"a\\u0000b\",\"k\\u0000\":\"\"}," ENTRY("a") "}",
    "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," ENTRY("a") "}",
    "{\"__metadata__\":null," ENTRY("a") "}",
    "{" T("a", "\"F\\u00332\"", "[1,2]", "[0,8]") "}",
    "{\"a\":{\"extra\":[{},{\"b\":[1,-2.5e3,true,false,null]}],\"data_offsets\":[0,8],"
    "\"shape\":[2],\"dtype\":\"F32\"}}",
    "{" T("e", F32, "[0,18446744073709551615,3]", "[8,8]") "," ENTRY("a") "}",
    "{" T("e", "\"F64\"", "[0]", "[0,0]") "," ENTRY("a") "}",
    "{" T("e", "\"F8_E8M0\"", "[0]", "[0,0]") "," ENTRY("a") "}",
};

static void test_odd_but_good(void **state)
{
    static const uint8_t data[8] = {0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0x40};
    (void)state;
    for (size_t i = 0; i < sizeof odd_headers / sizeof odd_headers[0]; i++) {
        cli_failure failure = {CLI_OK, ""};
        params p;
        const char *path =
            folder_write_safetensors("odd.safetensors", odd_headers[i], data, sizeof data);
        if (params_load(&p, path, &failure) != CLI_OK)
            print_error("%s: %s\n", odd_headers[i], failure.text);
        assert_int_equal(failure.code, CLI_OK);
        assert_int_equal(p.n, 2);
        assert_true(p.x[0] == 1 && p.x[1] == 2);
        params_destroy(&p);
    }
}

/* Zero bytes behind the JSON are no blanks. */
static void test_zeros_behind_the_header(void **state)
{
    static const char header[] = "{" T("a", F32, "[1]", "[0,4]") "}\0\0";
    uint8_t file[8 + sizeof header - 1 + 4] = {0};
    (void)state;
    store_le64(file, sizeof header - 1);
    memcpy(file + 8, header, sizeof header - 1);
    assert_bad("zeros", folder_write("bad.safetensors", file, sizeof file), "header",
               "nothing but blanks");
}

/* A header as long as the format allows, of which the disk has nothing, and a FIFO. */
static void test_files_that_only_seem_large(void **state)
{
    uint8_t length[8];
    (void)state;
    store_le64(length, 100000000);
    const char *path = folder_write("sparse.safetensors", length, sizeof length);
    assert_int_equal(truncate(path, 100000008), 0);
    assert_bad("sparse", path, "header", "byte 0");
    assert_int_equal(unlink(path), 0);
    path = folder_path("fifo.safetensors");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_bad("a FIFO", path, "fifo.safetensors", "not a regular file");
}

static const char small_header[] =
    "{" T("b", "\"F16\"", "[3,1]", "[8,14]") ",\"__metadata__\":{"
                                             "\"format\":\"pt\"}," T("a", F32, "[2]", "[0,8]") "}";

/* Nothing that one byte or a cut can do to a good file may crash the reader; a cut is refused. */
static void test_mutations(void **state)
{
    enum { SMALL_DATA = 14 };
    static const uint8_t values[] = {0x00, '"', '{', '}', '[', '-', '9', ',', 0x7f, 0xff};
    uint8_t file[8 + sizeof small_header - 1 + SMALL_DATA], changed[sizeof file];
    size_t refused = 0, tried = 0;
    (void)state;
    store_le64(file, sizeof small_header - 1);
    memcpy(file + 8, small_header, sizeof small_header - 1);
    memcpy(file + 8 + sizeof small_header - 1, good_data, SMALL_DATA);

    for (size_t size = 0; size < sizeof file; size++)
        assert_bad("cut", folder_write("cut.safetensors", file, size), "cut.safetensors", "");
    for (size_t i = 0; i < 8 + sizeof small_header - 1; i++) {
        for (size_t v = 0; v < sizeof values; v++, tried++) {
            cli_failure failure = {CLI_OK, ""};
            params p;
            memcpy(changed, file, sizeof file);
            changed[i] = values[v];
            const char *path = folder_write("changed.safetensors", changed, sizeof changed);
            int code = params_load(&p, path, &failure);
            assert_true(code == CLI_OK || code == CLI_USAGE);
            refused += code == CLI_USAGE;
            params_destroy(&p);
        }
    }
    assert_true(refused > tried / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_tensors),
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_bad_lengths),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_nesting_that_is_ignored),
        cmocka_unit_test(test_odd_but_good),
        cmocka_unit_test(test_zeros_behind_the_header),
        cmocka_unit_test(test_files_that_only_seem_large),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("safetensors", tests, folder_create, folder_remove);
}
