/* Names, version, and the thread's last error text. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "run.h"

static void status_names(void **state)
{
    (void)state;
    static const struct {
        parseal_status status;
        const char *name;
    } all[] = {
        {PARSEAL_OK, "PARSEAL_OK"},
        {PARSEAL_ERR_ARG, "PARSEAL_ERR_ARG"},
        {PARSEAL_ERR_SIZE, "PARSEAL_ERR_SIZE"},
        {PARSEAL_ERR_ALIAS, "PARSEAL_ERR_ALIAS"},
        {PARSEAL_ERR_AUTH, "PARSEAL_ERR_AUTH"},
        {PARSEAL_ERR_OVERFLOW, "PARSEAL_ERR_OVERFLOW"},
        {PARSEAL_ERR_NO_MEMORY, "PARSEAL_ERR_NO_MEMORY"},
        {PARSEAL_ERR_NO_DEVICE, "PARSEAL_ERR_NO_DEVICE"},
        {PARSEAL_ERR_SELFTEST, "PARSEAL_ERR_SELFTEST"},
        {PARSEAL_ERR_UNSUPPORTED, "PARSEAL_ERR_UNSUPPORTED"},
        {PARSEAL_ERR_DEVICE, "PARSEAL_ERR_DEVICE"},
        {PARSEAL_ERR_FORMAT, "PARSEAL_ERR_FORMAT"},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(all[i].status, -(parseal_status)i);
        assert_string_equal(parseal_status_name(all[i].status), all[i].name);
    }
    static const parseal_status unknown[] = {1, -(parseal_status)COUNT_OF(all), INT32_MIN,
                                             INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_string_equal(parseal_status_name(unknown[i]), "unknown parseal_status");
}

static void backend_and_primitive_names(void **state)
{
    (void)state;
    static const char *const backends[] = {"auto", "cpu", "opencl", "cuda"};
    static const char *const primitives[] = {"aead", "mask", "vec_sum", "quant", "pack", "fcp"};
    for (size_t i = 0; i < COUNT_OF(backends); i++)
        assert_string_equal(parseal_backend_name((int32_t)i), backends[i]);
    for (size_t i = 0; i < COUNT_OF(primitives); i++)
        assert_string_equal(parseal_primitive_name((int32_t)i), primitives[i]);
    assert_int_equal(COUNT_OF(primitives), parseal_primitive_count());
    static const int32_t unknown[] = {-1, 6, 99, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        assert_string_equal(parseal_backend_name(unknown[i]), "unknown");
        assert_string_equal(parseal_primitive_name(unknown[i]), "unknown");
    }
}

static void algorithms(void **state)
{
    (void)state;
    static const struct {
        int32_t alg;
        const char *name;
        uint32_t key_size;
    } known[] = {{PARSEAL_AES128GCM, "aes-128-gcm", 16}, {PARSEAL_AES256GCM, "aes-256-gcm", 32}};
    static const int32_t unknown[] = {0, 3, -1, INT32_MIN, INT32_MAX};
    parseal_alg info = PARSEAL_ALG_INIT;
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        assert_ok(parseal_alg_info(known[i].alg, &info));
        assert_string_equal(info.name, known[i].name);
        assert_int_equal(info.key_size, known[i].key_size);
        assert_int_equal(info.nonce_size, 12);
        assert_int_equal(info.tag_size, 16);
        assert_int_equal(info.message_max, (UINT64_C(1) << 36) - 32);
    }
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_error(parseal_alg_info(unknown[i], &info), PARSEAL_ERR_ARG, "alg");
    assert_error(parseal_alg_info(PARSEAL_AES128GCM, NULL), PARSEAL_ERR_ARG, "info");
}

static void version(void **state)
{
    (void)state;
    char want[32];
    snprintf(want, sizeof want, "%d.%d.%d", PARSEAL_VERSION_MAJOR, PARSEAL_VERSION_MINOR,
             PARSEAL_VERSION_PATCH);
    assert_string_equal(parseal_version(), want);
}

/* A thread's view of its own error text: cmocka's assertions belong to the main thread. */
typedef struct {
    char before[8], after[160], kept[160];
} texts;

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void *fail_in_a_thread(void *arg)
{
    texts *t = arg;
    uint64_t size;
    copy(t->before, sizeof t->before, parseal_last_error_text());
    (void)parseal_packed_size(1, 77, &size);
    copy(t->after, sizeof t->after, parseal_last_error_text());
    (void)parseal_packed_size(1, 7, &size);
    copy(t->kept, sizeof t->kept, parseal_last_error_text());
    return NULL;
}

static void error_text_is_per_thread(void **state)
{
    (void)state;
    texts t;
    pthread_t thread;
    assert_error(parseal_ctx_info(NULL, NULL), PARSEAL_ERR_ARG, "ctx");
    assert_int_equal(pthread_create(&thread, NULL, fail_in_a_thread, &t), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(t.before, "");
    assert_non_null(strstr(t.after, "bits"));
    assert_non_null(strstr(t.after, "77"));
    assert_null(strchr(t.after, '\n'));
    assert_string_equal(t.kept, t.after); /* success leaves it as it is */
    assert_non_null(strstr(parseal_last_error_text(), "ctx"));
}

static void error_text_is_empty_at_first(void **state)
{
    (void)state;
    assert_string_equal(parseal_last_error_text(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_text_is_empty_at_first), /* must be first */
        cmocka_unit_test(status_names),
        cmocka_unit_test(backend_and_primitive_names),
        cmocka_unit_test(algorithms),
        cmocka_unit_test(version),
        cmocka_unit_test(error_text_is_per_thread),
    };
    return RUN_SUITE("names", tests);
}
