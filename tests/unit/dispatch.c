/* Selection when an implementation computes wrongly: it is passed over and reported, and where
 * nothing right is left the backend is refused. */
#include <string.h>

#include "broken.h"
#include "check.h"
#include "host/choose/registry.h"
#include "run.h"

/* What opening a registry gives; the device is closed again. */
static parseal_status open_registry(const parseal_registry_row *rows, size_t n, int32_t backend,
                                    parseal_choice *choice)
{
    const parseal_registry registry = {rows, n};
    parseal_options options = PARSEAL_OPTIONS_INIT;
    const parseal_backend *picked = NULL;
    parseal_device *device = NULL;
    options.backend = backend;
    options.cpu_threads = 1;
    const parseal_status status =
        parseal_registry_open(registry, &options, &picked, &device, choice);
    if (status == PARSEAL_OK) {
        assert_non_null(picked);
        assert_int_equal(choice->info.backend, picked->id);
        picked->close(device);
    }
    return status;
}

static const parseal_registry_row broken_cpu_row = {PARSEAL_BACKEND_CPU, &broken_backend, NULL};

/* Every fault is noticed, and the next implementation takes its place. */
static void wrong_implementations_are_passed_over(void **state)
{
    (void)state;
    for (int f = 0; f < FAULTS; f++) {
        parseal_choice choice;
        int32_t primitive = fault_primitive((fault)f);
        broken_set((fault)f, PARSEAL_USABLE, false);
        assert_ok(open_registry(&broken_cpu_row, 1, PARSEAL_BACKEND_AUTO, &choice));
        if (strcmp(choice.impl[primitive], "broken") == 0)
            fail_msg("fault %d of %s was not noticed", f, parseal_primitive_name(primitive));
        assert_true(broken_was_used());
        assert_string_not_equal(choice.impl[primitive], "");
        assert_non_null(strstr(choice.info.reason, "broken"));
        assert_non_null(strstr(choice.info.reason, parseal_primitive_name(primitive)));
        assert_non_null(strstr(choice.info.reason, "self-test"));
    }
}

static void nothing_right_is_left(void **state)
{
    (void)state;
    for (int f = 0; f < FAULTS; f++) {
        parseal_choice choice;
        broken_set((fault)f, PARSEAL_USABLE, true);
        assert_error(open_registry(&broken_cpu_row, 1, PARSEAL_BACKEND_AUTO, &choice),
                     PARSEAL_ERR_SELFTEST, "broken");
        assert_error(open_registry(&broken_cpu_row, 1, PARSEAL_BACKEND_CPU, &choice),
                     PARSEAL_ERR_SELFTEST, parseal_primitive_name(fault_primitive((fault)f)));
    }
}

/* What cannot run here, or is ruled out, is not even tried. */
static void unusable_implementations_do_not_run(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        parseal_choice choice;
        broken_set(MASK_LAST, k != 0 ? PARSEAL_MISSING : PARSEAL_EXCLUDED, false);
        assert_ok(open_registry(&broken_cpu_row, 1, PARSEAL_BACKEND_AUTO, &choice));
        assert_false(broken_was_used());
        assert_string_not_equal(choice.impl[PARSEAL_PRIMITIVE_MASK], "broken");
    }
}

/* AUTO goes on to the next backend and says why; a backend asked for by name is not replaced. */
static void wrong_backends_are_passed_over(void **state)
{
    (void)state;
    const parseal_registry_row rows[] = {
        {PARSEAL_BACKEND_CUDA, &broken_cuda_backend, NULL},
        {PARSEAL_BACKEND_OPENCL, NULL, "left out of this test"},
        {PARSEAL_BACKEND_CPU, &parseal_cpu_backend, NULL},
    };
    parseal_choice choice;
    broken_set(SUM_LAST, PARSEAL_USABLE, true);
    assert_ok(open_registry(rows, COUNT_OF(rows), PARSEAL_BACKEND_AUTO, &choice));
    assert_int_equal(choice.info.backend, PARSEAL_BACKEND_CPU);
    assert_non_null(strstr(choice.info.reason, "cuda"));
    assert_non_null(strstr(choice.info.reason, "left out of this test"));
    assert_error(open_registry(rows, COUNT_OF(rows), PARSEAL_BACKEND_CUDA, &choice),
                 PARSEAL_ERR_SELFTEST, "cuda");
    assert_error(open_registry(rows, COUNT_OF(rows), PARSEAL_BACKEND_OPENCL, &choice),
                 PARSEAL_ERR_NO_DEVICE, "opencl");
    broken_set(SUM_LAST, PARSEAL_USABLE, false);
    assert_ok(open_registry(rows, COUNT_OF(rows), PARSEAL_BACKEND_AUTO, &choice));
    assert_int_equal(choice.info.backend, PARSEAL_BACKEND_CUDA);
}

/* What the table of algorithms has and a backend has not is refused by name. */
static void algorithms_that_a_backend_lacks(void **state)
{
    (void)state;
    static const uint8_t key[16] = {0};
    const parseal_algorithm other = {.id = INT32_MAX, .name = "rot13-poly", .key_size = sizeof key};
    const parseal_request request = {.named = true};
    parseal_device *device = NULL;
    backend_keys *keys = NULL;
    assert_ok(parseal_cpu_backend.open(&device, &request));
    assert_error(parseal_cpu_backend.aead->keys_create(device, &keys, &other, key, 1, false),
                 PARSEAL_ERR_UNSUPPORTED, "rot13-poly");
    assert_null(keys);
    parseal_cpu_backend.close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_implementations_are_passed_over),
        cmocka_unit_test(nothing_right_is_left),
        cmocka_unit_test(unusable_implementations_do_not_run),
        cmocka_unit_test(wrong_backends_are_passed_over),
        cmocka_unit_test(algorithms_that_a_backend_lacks),
    };
    return RUN_SUITE("dispatch", tests);
}
