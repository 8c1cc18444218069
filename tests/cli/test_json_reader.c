/* The JSON reader against jansson, which reads the same language in another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "host/cli/json_reader.h"

enum { TEXT_MAX = 256 };

/* Exactly `size` bytes, so that memory checkers see one too many. */
static bool accepts(const char *text, size_t size)
{
    json_reader r;
    char *copy = malloc(size != 0 ? size : 1);
    assert_non_null(copy);
    if (size != 0)
        memcpy(copy, text, size);
    json_reader_start(&r, copy, size);
    json_reader_skip(&r);
    const bool accepted = json_reader_finish(&r);
    assert_true(accepted == (r.error == NULL));
    assert_true(r.error_at <= size);
    free(copy);
    return accepted;
}

static bool jansson_accepts(const char *text, size_t size)
{
    json_error_t error;
    json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    const bool accepted = json != NULL || json_error_code(&error) == json_error_null_byte_in_key;
    json_decref(json);
    return accepted;
}

static void assert_same(const char *text, size_t size)
{
    const bool expected = jansson_accepts(text, size);
    if (accepts(text, size) != expected)
        print_error("%s: %.*s\n", expected ? "refused" : "accepted", (int)size, text);
    assert_int_equal(accepts(text, size), expected);
}

static const char *const documents[] = {
    "{\"a\\u00e9\\n\":[0,-1,10.25e+2,true],\"\\ud83d\\ude00\":{\"\":null,\"b\":[[],{}]}}",
    " [ false , \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\" ] ",
    " { \"k\" : \"\\\"\\\\\\/\\b\\f\\r\\t\" } ",
    "\"\\u0000x\\ud7ff\\ue000\"",
    "-0.0E-1",
};

/* Every byte replaced by every value, and every cut. */
static void test_mutations(void **state)
{
    char changed[TEXT_MAX];
    size_t accepted = 0;
    (void)state;
    for (size_t d = 0; d < sizeof documents / sizeof documents[0]; d++) {
        const size_t size = strlen(documents[d]);
        assert_true(size <= TEXT_MAX && accepts(documents[d], size));
        for (size_t i = 0; i < size; i++) {
            assert_same(documents[d], i);
            for (int value = 0; value < 256; value++) {
                memcpy(changed, documents[d], size);
                changed[i] = (char)value;
                if (value == 0) /* jansson 2.14 loses one behind a number or a word */
                    assert_false(accepts(changed, size));
                else
                    assert_same(changed, size);
                accepted += accepts(changed, size);
            }
        }
    }
    assert_true(accepted > 1000);
}

/* Strings that both decode are the same bytes. */
static void test_strings(void **state)
{
    static const char *const strings[] = {
        "\"\"",
        "\"plain\"",
        "\"\\u0041\\u00e9\\u20ac\\uD83d\\uDe00\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\xc3\xa9\\u00e9\xf4\x8f\xbf\xbf\\udbff\\udfff\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        char text[TEXT_MAX];
        json_reader r;
        json_text decoded;
        json_t *json = json_loads(strings[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        strcpy(text, strings[i]);
        json_reader_start(&r, text, strlen(text));
        assert_true(json_reader_string(&r, &decoded) && json_reader_finish(&r));
        assert_int_equal(decoded.size, json_string_length(json));
        if (decoded.size != 0)
            assert_memory_equal(decoded.bytes, json_string_value(json), decoded.size);
        json_decref(json);
    }
}

static void test_counts(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } counts[] = {
        {"0", true, 0},
        {"7", true, 7},
        {"9223372036854775808", true, UINT64_C(1) << 63},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"18446744073709551620", false, 0},
        {"184467440737095516150", false, 0},
        {"-1", false, 0},
        {"-0", false, 0},
        {"1.0", false, 0},
        {"1e0", false, 0},
        {"\"1\"", false, 0},
        {"true", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        char text[TEXT_MAX];
        json_reader r;
        uint64_t value = 0;
        strcpy(text, counts[i].text);
        json_reader_start(&r, text, strlen(text));
        assert_int_equal(json_reader_count(&r, &value), counts[i].good);
        if (counts[i].good)
            assert_true(value == counts[i].value);
        else /* is still there, and no error */
            assert_true(r.error == NULL && json_reader_skip(&r));
        assert_true(json_reader_finish(&r));
    }
}

static void test_depth(void **state)
{
    enum { TOO_DEEP = JSON_READER_DEPTH + 1 };
    char text[2 * TOO_DEEP];
    (void)state;
    memset(text, '[', TOO_DEEP);
    memset(text + TOO_DEEP, ']', TOO_DEEP);
    assert_false(accepts(text, sizeof text));
    assert_true(accepts(text + 1, sizeof text - 2));
}

static void test_shown(void **state)
{
    char bytes[200];
    json_text text = {bytes, 0};
    json_shown shown;
    (void)state;
    assert_string_equal(json_show(&text, &shown), "");
    memset(bytes, 'a', sizeof bytes);
    bytes[1] = '\0';
    text.size = 3;
    assert_string_equal(json_show(&text, &shown), "a?a");
    bytes[1] = 'a';
    text.size = sizeof bytes;
    assert_int_equal(strlen(json_show(&text, &shown)), sizeof shown.text - 1);
    for (size_t back = 0; back < 4; back++) { /* U+20AC across the cut, and just before it */
        memset(bytes, 'a', sizeof bytes);
        memcpy(bytes + sizeof shown.text - 1 - back, "\xe2\x82\xac", 3);
        const size_t expected = sizeof shown.text - 1 - (back < 3 ? back : 0);
        assert_int_equal(strlen(json_show(&text, &shown)), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutations), cmocka_unit_test(test_strings),
        cmocka_unit_test(test_counts),    cmocka_unit_test(test_depth),
        cmocka_unit_test(test_shown),
    };
    return cmocka_run_group_tests_name("json reader", tests, NULL, NULL);
}
