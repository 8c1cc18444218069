/* Which OpenCL device is taken, where a platform of four GPUs that will not do (many.c) stands
 * before the real one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "run.h"

static char real_name[sizeof((parseal_info *)0)->device];

static void wish(const char *device)
{
    assert_int_equal(device != NULL ? setenv("PARSEAL_OPENCL_DEVICE", device, 1)
                                    : unsetenv("PARSEAL_OPENCL_DEVICE"),
                     0);
}

static int no_wish(void **state)
{
    (void)state;
    return unsetenv("PARSEAL_OPENCL_DEVICE");
}

static parseal_status open_device(parseal_info *info, int32_t backend, const char *option)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx;
    options.backend = backend;
    options.device = option;
    const parseal_status status = parseal_ctx_create(&ctx, &options);
    if (status != PARSEAL_OK)
        return status;
    assert_ok(parseal_ctx_info(ctx, info));
    parseal_ctx_destroy(ctx);
    return PARSEAL_OK;
}

/* By platform and device, by the device's index among all, and by a part of its name. */
static void by_index_and_by_name(void **state)
{
    (void)state;
    const char *const wishes[] = {"1:0", "4", real_name};
    for (size_t i = 0; i < COUNT_OF(wishes); i++)
        for (int as_option = 0; as_option < 2; as_option++) {
            parseal_info info = PARSEAL_INFO_INIT;
            wish(as_option ? NULL : wishes[i]);
            assert_ok(open_device(&info, PARSEAL_BACKEND_OPENCL, as_option ? wishes[i] : NULL));
            assert_string_equal(info.device, real_name);
        }
}

static void an_index_too_high(void **state)
{
    (void)state;
    static const char *const wishes[] = {"5", "1:1", "0:4", "2:0", "01"};
    for (size_t i = 0; i < COUNT_OF(wishes); i++)
        for (int as_option = 0; as_option < 2; as_option++) {
            parseal_info info = PARSEAL_INFO_INIT;
            char text[96];
            wish(as_option ? NULL : wishes[i]);
            snprintf(text, sizeof text, "%s: no device %s: there are 5, counted from 0",
                     as_option ? "options.device" : "PARSEAL_OPENCL_DEVICE", wishes[i]);
            assert_error(open_device(&info, PARSEAL_BACKEND_OPENCL, as_option ? wishes[i] : NULL),
                         PARSEAL_ERR_NO_DEVICE, text);
        }
}

/* A wish is for one device: no other takes its place. */
static void what_will_not_do(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0", "device 0:0, Unfit 1 that is away, is not usable: it is not available"},
        {"0:0", "Unfit 1 that is away, is not usable: it is not available"},
        {"Unfit 1", "Unfit 1 that is away, is not usable: it is not available"},
        {"0:1", "Unfit 0 of small groups, is not usable: its work groups have at most 63 "
                "work-items, 64 are needed"},
        {"0:2", "Unfit of flat groups, is not usable: its work groups have at most 32 "},
        {"3", "clCreateContext: CL_DEVICE_NOT_AVAILABLE (-2)"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        parseal_info info = PARSEAL_INFO_INIT;
        wish(rows[i][0]);
        assert_int_not_equal(open_device(&info, PARSEAL_BACKEND_OPENCL, NULL), PARSEAL_OK);
        if (strstr(parseal_last_error_text(), rows[i][1]) == NULL)
            fail_msg("%s: \"%s\"", rows[i][0], parseal_last_error_text());
    }
}

/* Named, the backend takes the real device, which PoCL's CPU may be; AUTO, which takes only GPUs,
 * takes one only if the real device is a GPU. Both say why the GPUs are passed over. */
static void the_first_that_is_usable(void **state)
{
    (void)state;
    static const char *const said[] = {"device 0:0, Unfit 1 that is away, is not usable: it is not",
                                       "its work groups have at most 63 work-items",
                                       "device 0:3, Unfit without a context, is not usable: clC"};
    static const int32_t backends[] = {PARSEAL_BACKEND_OPENCL, PARSEAL_BACKEND_AUTO};
    for (size_t i = 0; i < COUNT_OF(backends); i++) {
        parseal_info info = PARSEAL_INFO_INIT;
        assert_ok(open_device(&info, backends[i], NULL));
        assert_true(backends[i] != PARSEAL_BACKEND_OPENCL || strcmp(info.device, real_name) == 0);
        for (size_t j = 0; j < COUNT_OF(said); j++)
            if (strstr(info.reason, said[j]) == NULL)
                fail_msg("\"%s\" is not in \"%s\"", said[j], info.reason);
    }
}

/* A part of a name fits several: the first that is usable is taken, and the text names all that are
 * not. */
static void none_of_a_name(void **state)
{
    (void)state;
    parseal_info info = PARSEAL_INFO_INIT;
    wish("Unfit");
    error_text_spoil();
    assert_int_equal(open_device(&info, PARSEAL_BACKEND_OPENCL, NULL), PARSEAL_ERR_DEVICE);
    assert_non_null(strstr(parseal_last_error_text(), "device 0:0"));
    assert_non_null(strstr(parseal_last_error_text(), "device 0:1"));
    assert_non_null(strstr(parseal_last_error_text(), "device 0:2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(by_index_and_by_name, no_wish),
        cmocka_unit_test_setup(an_index_too_high, no_wish),
        cmocka_unit_test_setup(what_will_not_do, no_wish),
        cmocka_unit_test_setup(the_first_that_is_usable, no_wish),
        cmocka_unit_test_setup(none_of_a_name, no_wish),
    };
    parseal_info info = PARSEAL_INFO_INIT;
    if (open_device(&info, PARSEAL_BACKEND_OPENCL, "1:0") != PARSEAL_OK)
        return run_skip("no OpenCL device");
    memcpy(real_name, info.device, sizeof real_name);
    return RUN_SUITE("OpenCL devices", tests);
}
