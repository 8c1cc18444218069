/* The driver refuses one kernel of a call with a set that counts: the call fails, and the set goes
 * on with its next number. */
#include <string.h>

#include "machines.h"
#include "primary.h"
#include "run.h"
#include "subjects.h"

static cu_stream stream;
static cu_pointer memory;
static parseal_ctx *gpu;
static parseal_options options = PARSEAL_OPTIONS_INIT;
static subject_data good, got;

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

/* Works on the good data, and waits. */
static parseal_status work(const subject *s, const subject_objects *o)
{
    CU(MemcpyHtoDAsync, (memory, &good, sizeof good, stream));
    const parseal_status status = s->work(o, PARSEAL_BUF_CUDA, memory, stream);
    CU(MemcpyDtoHAsync, (&got, memory, sizeof got, stream));
    CU(StreamSynchronize, (stream));
    return status;
}

static bool is_zero(const void *p, size_t size)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* Without a number a call would leave zeros in the vector of its results. */
static void check_goes_on(const subject *s, const subject_objects *o)
{
    assert_ok(work(s, o));
    assert_memory_not_equal(&got, &good, SUBJECT_RESULTS);
    assert_false(is_zero(got.acc, sizeof got.acc));
    assert_false(is_zero(got.v, sizeof got.v));
}

/* A call that cannot be ended leaves a set that says so, and touches nothing any more. */
static void check_stuck(const subject *s, const subject_objects *o)
{
    machine_set("PARSEAL_EMU_REFUSED", "seeds_end");
    assert_int_equal(work(s, o), PARSEAL_ERR_NO_MEMORY);
    machine_set("PARSEAL_EMU_REFUSED", NULL);
    assert_int_equal(work(s, o), PARSEAL_ERR_DEVICE);
    assert_non_null(strstr(parseal_last_error_text(), "make another one"));
    assert_memory_equal(&got, &good, sizeof got);
}

static size_t refuse_each(const subject *s)
{
    static const char *const kernels[] = {"seeds_count", "mask_apply32", "quantize",  "fcp_count",
                                          "fcp_expand",  "fcp_mask32",   "count_wipe"};
    size_t refused = 0;
    subject_objects o;
    assert_ok(subject_open_for_graph(s, gpu, &options, &o));
    for (size_t i = 0; o.seeds != NULL && i < COUNT_OF(kernels); i++) {
        machine_set("PARSEAL_EMU_REFUSED", kernels[i]);
        const parseal_status status = work(s, &o);
        machine_set("PARSEAL_EMU_REFUSED", NULL);
        if (status != PARSEAL_OK)
            assert_int_equal(status, PARSEAL_ERR_NO_MEMORY);
        refused += status != PARSEAL_OK;
        check_goes_on(s, &o);
    }
    if (o.seeds != NULL)
        check_stuck(s, &o);
    s->destroy(&o);
    return refused;
}

static void sets_go_on(void **state)
{
    size_t refused = 0;
    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++)
        refused += refuse_each(&subjects[i]);
    assert_int_equal(refused, 3 + 3 + 5);
}

static int open_gpu(void **state)
{
    (void)state;
    subject_fill(&good);
    options.backend = PARSEAL_BACKEND_CUDA;
    assert_ok(parseal_ctx_create(&gpu, &options));
    CU(MemAlloc, (&memory, sizeof good));
    CU(StreamCreate, (&stream, CU_STREAM_NON_BLOCKING));
    return 0;
}

static int close_gpu(void **state)
{
    (void)state;
    CU(StreamDestroy, (stream));
    CU(MemFree, (memory));
    parseal_ctx_destroy(gpu);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sets_go_on, machine_reset),
    };
    if (!machine_find()) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    if (!primary_enter())
        return run_skip("no CUDA device");
    const int failed = cmocka_run_group_tests_name("refused kernels", tests, open_gpu, close_gpu);
    primary_leave();
    return failed;
}
