/* Objects that are destroyed while work which uses them has not begun, as is likely on streams that
 * nobody has waited for yet. The work is done, and with the right keys; nothing else is waited for;
 * and no secret stays in the device's memory. */
#include <parseal/aggregator.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "machines.h"
#include "primary.h"
#include "run.h"
#include "shim.h"
#include "subjects.h"

static parseal_ctx *gpu;
static parseal_options options = PARSEAL_OPTIONS_INIT;

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

static subject_data good, poison, want, got;

static cu_pointer device_memory(uint64_t size)
{
    cu_pointer p;
    CU(MemAlloc, (&p, (size_t)size));
    return p;
}

/* Orders in which the emulated device goes on: only as far as it must, or at random. */
static const char *const seeds[] = {NULL, "1", "2"};

/* ---------------------------------------------------------------------------- work that waits --
 */

/* The last one is used by another thread, whose stream 2 is not this thread's, and the one before
 * by somebody who destroys it at once. */
enum { STREAMS = 8, SHORT_LIVED = STREAMS - 2 };
static cu_stream streams[STREAMS];
static cu_pointer memory[STREAMS];

typedef struct {
    const subject *s;
    const subject_objects *o;
    size_t i;
    cu_context context;
    cu_result copied;
    parseal_status status;
} enqueueing;

/* Brings good data, and works on it. */
static void *enqueue(void *arg)
{
    enqueueing *e = arg;
    cu_context other;
    e->copied = api.CtxPushCurrent(e->context);
    if (e->copied == CU_OK)
        e->copied = api.MemcpyHtoDAsync(memory[e->i], &good, sizeof good, streams[e->i]);
    e->status = e->s->work(e->o, PARSEAL_BUF_CUDA, memory[e->i], streams[e->i]);
    (void)api.CtxPopCurrent(&other);
    return NULL;
}

static void enqueue_on(const subject *s, const subject_objects *o, size_t i)
{
    pthread_t thread;
    enqueueing e = {.s = s, .o = o, .i = i, .context = primary};
    if (i < STREAMS - 1) {
        (void)enqueue(&e);
    } else {
        assert_int_equal(pthread_create(&thread, NULL, enqueue, &e), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(e.copied, CU_OK);
    assert_status(e.status, PARSEAL_OK);
}

static void check_results(const subject *s, size_t i, cu_stream apart)
{
    CU(MemcpyDtoHAsync, (&got, memory[i], sizeof got, apart));
    CU(StreamSynchronize, (apart));
    if (memcmp(&got, &want, SUBJECT_RESULTS) != 0)
        fail_msg("%s: wrong on stream %zu", s->name, i);
}

/* Work on several streams at once, so that no order of them is the right one by chance. */
static void check_late_work(const subject *s, cu_stream apart)
{
    subject_objects o;
    assert_ok(subject_open(s, gpu, &options, &o));
    for (size_t i = 0; i < STREAMS; i++)
        CU(MemcpyHtoDAsync, (memory[i], &poison, sizeof poison, apart));
    CU(StreamSynchronize, (apart));
    CU(StreamCreate, (&streams[SHORT_LIVED], CU_STREAM_NON_BLOCKING));
    for (size_t i = 0; i < STREAMS; i++)
        enqueue_on(s, &o, i);
    CU(StreamDestroy, (streams[SHORT_LIVED]));
    s->destroy(&o);
    for (size_t i = 0; i < STREAMS; i++)
        check_results(s, i, apart);
}

static void work_goes_on(void **state)
{
    cu_stream apart;
    (void)state;
    CU(StreamCreate, (&apart, CU_STREAM_NON_BLOCKING));
    for (size_t i = 0; i < 4; i++)
        CU(StreamCreate, (&streams[i], i % 2 == 0 ? CU_STREAM_NON_BLOCKING : 0));
    streams[4] = CU_STREAM_LEGACY;
    streams[5] = streams[STREAMS - 1] = (cu_stream)(uintptr_t)2;
    for (size_t i = 0; i < STREAMS; i++)
        memory[i] = device_memory(sizeof(subject_data));
    for (size_t i = 0; i < SUBJECTS; i++) {
        memcpy(&want, &good, sizeof want);
        subject_expect(&subjects[i], &want);
        for (size_t k = 0; k < COUNT_OF(seeds); k++) {
            machine_set("PARSEAL_EMU_SEED", seeds[k]);
            check_late_work(&subjects[i], apart);
        }
        machine_set("PARSEAL_EMU_SEED", NULL);
    }
    for (size_t i = 0; i < STREAMS; i++)
        CU(MemFree, (memory[i]));
    for (size_t i = 0; i < 4; i++)
        CU(StreamDestroy, (streams[i]));
    CU(StreamDestroy, (apart));
}

/* ----------------------------------------------------------------------------- nobody else's -- */

/* Work of others that has not been done yet: its end is seen in host memory. */
static cu_pointer seven_here;
static uint32_t done[3];

static void enqueue_other(size_t i, cu_stream on)
{
    done[i] = 0;
    CU(MemsetD32Async, (seven_here, 7, 1, on));
    CU(MemcpyDtoHAsync, (&done[i], seven_here, sizeof done[i], on));
}

static parseal_aggregator *aggregator_on(parseal_ctx *ctx)
{
    parseal_aggregator *a;
    parseal_aggregator_options shape = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    shape.ring = (parseal_ring){UINT64_C(1) << 32, 4, 0};
    shape.dim = 1000;
    assert_ok(parseal_aggregator_create(&a, ctx, &shape));
    return a;
}

/* What is enqueued on another stream, and later on the same one, is left alone. */
static void nobody_else_is_waited_for(void **state)
{
    cu_stream stream, other;
    (void)state;
    CU(StreamCreate, (&stream, CU_STREAM_NON_BLOCKING));
    CU(StreamCreate, (&other, 0));
    seven_here = device_memory(4);
    memory[0] = device_memory(sizeof(subject_data));
    for (size_t i = 0; i < SUBJECTS; i++) {
        const subject *s = &subjects[i];
        subject_objects o;
        parseal_aggregator *a = NULL;
        assert_ok(subject_open(s, gpu, &options, &o));
        if (!s->is_context)
            a = aggregator_on(gpu);
        CU(MemcpyHtoDAsync, (memory[0], &good, sizeof good, stream));
        enqueue_other(0, other);
        enqueue_other(1, CU_STREAM_LEGACY);
        assert_ok(s->work(&o, PARSEAL_BUF_CUDA, memory[0], stream));
        enqueue_other(2, stream);
        s->destroy(&o);
        parseal_aggregator_destroy(a);
        for (size_t k = 0; k < COUNT_OF(done); k++)
            if (done[k] != 0)
                fail_msg("%s: waited for work %zu", s->name, k);
        CU(StreamSynchronize, (stream));
        CU(StreamSynchronize, (CU_STREAM_LEGACY));
        for (size_t k = 0; k < COUNT_OF(done); k++)
            assert_int_equal(done[k], 7);
    }
    CU(MemFree, (seven_here));
    CU(MemFree, (memory[0]));
    CU(StreamDestroy, (stream));
    CU(StreamDestroy, (other));
}

/* --------------------------------------------------------------------------- calls that fail -- */

static shim_functions shim;

/* Fails the n-th call of the driver's that enqueueing the work makes. Work of which the caller
 * hears nothing bad is done with the right keys, noted or not, and the error text is an older one
 * still. Returns whether there was such a call. */
static bool fail_work(const subject *s, uint64_t n, cu_stream stream)
{
    subject_objects o;
    const int64_t live = shim.live();
    assert_ok(subject_open(s, gpu, &options, &o));
    CU(MemcpyHtoDAsync, (memory[0], &good, sizeof good, stream));
    error_text_spoil();
    shim.fail_at(n);
    const parseal_status status = s->work(&o, PARSEAL_BUF_CUDA, memory[0], stream);
    const bool met = shim.failed()[0] != '\0';
    shim.fail_at(0);
    if (status == PARSEAL_OK)
        assert_true(error_text_is_spoilt());
    s->destroy(&o);
    if (status == PARSEAL_OK)
        check_results(s, 0, streams[0]);
    assert_true(met || status == PARSEAL_OK);
    assert_int_equal(shim.live(), live);
    CU(StreamSynchronize, (stream));
    return met;
}

/* The same with the calls that destroying makes, which leave nothing behind. */
static bool fail_destroying(const subject *s, uint64_t n, cu_stream stream)
{
    subject_objects o;
    const int64_t live = shim.live();
    assert_ok(subject_open(s, gpu, &options, &o));
    CU(MemcpyHtoDAsync, (memory[0], &good, sizeof good, stream));
    assert_ok(s->work(&o, PARSEAL_BUF_CUDA, memory[0], stream));
    CU(StreamSynchronize, (stream)); /* as waiting for it may fail */
    error_text_spoil();
    shim.fail_at(n);
    s->destroy(&o);
    const bool met = shim.failed()[0] != '\0';
    shim.fail_at(0);
    assert_true(error_text_is_spoilt());
    assert_int_equal(shim.live(), live);
    return met;
}

static void calls_that_fail(void **state)
{
    cu_stream stream;
    (void)state;
    CU(StreamCreate, (&stream, CU_STREAM_NON_BLOCKING));
    CU(StreamCreate, (&streams[0], CU_STREAM_NON_BLOCKING));
    memory[0] = device_memory(sizeof(subject_data));
    for (size_t i = 0; i < SUBJECTS; i++) {
        if (subjects[i].is_context)
            continue;
        memcpy(&want, &good, sizeof want);
        subject_expect(&subjects[i], &want);
        for (uint64_t n = 1; fail_work(&subjects[i], n, stream); n++)
            continue;
        for (uint64_t n = 1; fail_destroying(&subjects[i], n, stream); n++)
            continue;
    }
    CU(MemFree, (memory[0]));
    CU(StreamDestroy, (streams[0]));
    CU(StreamDestroy, (stream));
}

/* ----------------------------------------------------------------------------------- secrets -- */

static void check_is_wiped(const char *name, uint64_t before)
{
    if (machine.freed_unwiped() != before || machine.found(subject_secret, 32) != 0)
        fail_msg("%s: not wiped", name);
}

/* Keys without a plan, whose table is no secret: what is freed is wiped to the last byte. */
static void secrets_are_wiped(void **state)
{
    (void)state;
    for (size_t i = 0; i < SUBJECTS; i++) {
        const subject *s = &subjects[i];
        subject_objects o;
        if (s->is_context)
            continue;
        assert_ok(subject_open(s, gpu, &options, &o));
        assert_int_equal(machine.found(subject_secret, 32) > 0, !s->is_hashed);
        parseal_plan_destroy(o.plan);
        o.plan = NULL;
        const uint64_t before = machine.freed_unwiped();
        s->destroy(&o);
        check_is_wiped(s->name, before);
    }
}

/* A sum is as private as what was added. */
static void sums_are_wiped(void **state)
{
    static uint32_t update[1000];
    parseal_update u = {.in = update, .len = sizeof update};
    (void)state;
    memcpy(update, subject_secret, sizeof subject_secret);
    parseal_aggregator *a = aggregator_on(gpu);
    assert_ok(parseal_aggregator_add_plain(a, &u, 1, NULL));
    assert_int_equal(machine.found(subject_secret, 32), 1);
    const uint64_t before = machine.freed_unwiped();
    parseal_aggregator_destroy(a);
    check_is_wiped("the sum of an aggregator", before);
}

static int open_gpu(void **state)
{
    (void)state;
    options.backend = PARSEAL_BACKEND_CUDA;
    assert_ok(parseal_ctx_create(&gpu, &options));
    return 0;
}

static int close_gpu(void **state)
{
    (void)state;
    parseal_ctx_destroy(gpu);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(work_goes_on, machine_reset),
        cmocka_unit_test_setup(nobody_else_is_waited_for, machine_reset),
        cmocka_unit_test_setup(calls_that_fail, machine_reset),
        cmocka_unit_test_setup(secrets_are_wiped, machine_reset),
        cmocka_unit_test_setup(sums_are_wiped, machine_reset),
    };
    if (!machine_find() || !shim_find("libcuda.so.1", &shim)) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    if (!primary_enter())
        return run_skip("no CUDA device");
    subject_fill(&good);
    memset(&poison, 0x5a, sizeof poison);
    const int failed = cmocka_run_group_tests_name("destroying", tests, open_gpu, close_gpu);
    primary_leave();
    return failed;
}
