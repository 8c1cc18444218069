/* What goes on beside a capture, in the thread that captures and in others: objects are made and
 * destroyed, and calls allocate and wait, but the capture goes on and no secret stays behind. Then
 * objects that a graph uses, and memory of the library's own. */
#include <parseal/aggregator.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "graphs.h"
#include "machines.h"
#include "primary.h"
#include "run.h"
#include "subjects.h"

static parseal_ctx *gpu;
static parseal_options options = PARSEAL_OPTIONS_INIT;

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

/* CUstreamCaptureMode */
enum { MODE_GLOBAL = 0, MODE_THREAD_LOCAL = 1 };

/* ----------------------------------------------------------------------------- beside others -- */

static subject_data good, want, got;
static cu_stream apart;                /* nobody captures it */
static cu_pointer captured_here, here; /* data of the captured work, and of other work */

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};

/* In threads that are not cmocka's a failed check ends the work, and its line is told. */
#define need(what)           \
    do {                     \
        if (!(what))         \
            return __LINE__; \
    } while (0)

/* How many subjects take part: a context, which is the last one, takes its time. */
static size_t n_subjects;
enum { WITH_A_CONTEXT = SUBJECTS, WITHOUT = SUBJECTS - 1 };

/* Makes every kind of object, works with it on a stream that is not captured, and destroys it
 * before that work has begun. */
static int make_and_destroy(void)
{
    for (size_t i = 0; i < n_subjects; i++) {
        subject_objects o;
        need(subject_open(&subjects[i], gpu, &options, &o) == PARSEAL_OK);
        need(subjects[i].work(&o, PARSEAL_BUF_CUDA, here, apart) == PARSEAL_OK);
        subjects[i].destroy(&o);
    }
    return 0;
}

/* Calls on host memory without a stream, which allocate, copy and wait. */
static int work_on_host_memory(void)
{
    static subject_data data;
    for (size_t i = 0; i < WITHOUT; i++) {
        subject_objects o;
        memcpy(&data, &good, sizeof data);
        need(subject_open(&subjects[i], gpu, &options, &o) == PARSEAL_OK);
        need(subjects[i].work(&o, PARSEAL_BUF_HOST, (uintptr_t)&data, NULL) == PARSEAL_OK);
        subjects[i].destroy(&o);
    }
    return 0;
}

enum { DIM = 1000 };

/* All calls of an aggregator but those on the caller's device memory. */
static int aggregate(void)
{
    static const uint32_t zeros[DIM];
    static uint32_t sealed[DIM], sum[DIM];
    static float mean[DIM];
    static uint8_t copy[4 * DIM + 1000];
    const parseal_seed seed = {.sign = 1};
    const parseal_vec to = parseal_host_vec(sum, DIM, 4), mean_to = parseal_host_vec(mean, DIM, 4);
    parseal_msg msg = {.in = zeros, .out = sealed, .len = sizeof sealed};
    parseal_update plain = {.client = 1, .in = zeros, .len = sizeof zeros};
    parseal_update update = {.client = 2, .in = sealed, .len = sizeof sealed};
    parseal_aggregator_options shape = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_aggregator *a;
    parseal_keys *keys;
    parseal_seeds *seeds;
    uint64_t size;
    shape.ring = ring;
    shape.dim = DIM;
    shape.quant_bits = 8;
    shape.quant_clip = 1.0f;
    need(parseal_keys_create(&keys, gpu, PARSEAL_AES256GCM, subject_secret, 1, NULL) == PARSEAL_OK);
    need(parseal_seeds_create(&seeds, gpu, &seed, 1) == PARSEAL_OK);
    need(parseal_seal(keys, &msg, 1) == PARSEAL_OK);
    memcpy(update.tag, msg.tag, sizeof update.tag);
    need(parseal_aggregator_create(&a, gpu, &shape) == PARSEAL_OK);
    need(parseal_aggregator_add_plain(a, &plain, 1, NULL) == PARSEAL_OK);
    need(parseal_aggregator_add_sealed(a, keys, &update, 1, NULL) == PARSEAL_OK);
    need(parseal_aggregator_unmask(a, seeds) == PARSEAL_OK);
    need(parseal_aggregator_sum(a, &to) == PARSEAL_OK);
    need(parseal_aggregator_mean(a, &mean_to, NULL) == PARSEAL_OK);
    need(parseal_aggregator_export_size(a, &size) == PARSEAL_OK && size <= sizeof copy);
    need(parseal_aggregator_export(a, copy, size) == PARSEAL_OK);
    parseal_aggregator_destroy(a);
    parseal_seeds_destroy(seeds);
    parseal_keys_destroy(keys);
    return 0;
}

/* What was made, and used on the captured stream, before the capture. */
static subject_objects old[SUBJECTS];

static int go_on_beside(void)
{
    parseal_info info = PARSEAL_INFO_INIT;
    int line = make_and_destroy();
    if (line == 0)
        line = work_on_host_memory();
    if (line == 0)
        line = aggregate();
    for (size_t i = 0; i < n_subjects; i++)
        subjects[i].destroy(&old[i]);
    need(parseal_ctx_info(gpu, &info) == PARSEAL_OK);
    return line;
}

static void *in_thread(void *arg)
{
    *(int *)arg = go_on_beside();
    return NULL;
}

/* ---------------------------------------------------------------------------------- captures -- */

static void put(cu_pointer to, const subject_data *from)
{
    CU(MemcpyHtoDAsync, (to, from, sizeof *from, apart));
    CU(StreamSynchronize, (apart));
}

static void check_captured(const subject *s)
{
    CU(MemcpyDtoHAsync, (&got, captured_here, sizeof got, apart));
    CU(StreamSynchronize, (apart));
    if (memcmp(&got, &want, SUBJECT_RESULTS) != 0)
        fail_msg("%s: what was captured is wrong", s->name);
}

static void run_graph(graph captured, cu_stream on)
{
    void *exec;
    assert_int_equal(cu.instantiate(&exec, captured, 0), CU_OK);
    assert_int_equal(cu.launch(exec, on), CU_OK);
    assert_int_equal(cu.exec_destroy(exec), CU_OK);
    assert_int_equal(cu.destroy(captured), CU_OK);
}

static void make_old(cu_stream stream)
{
    for (size_t i = 0; i < n_subjects; i++) {
        assert_ok(subject_open(&subjects[i], gpu, &options, &old[i]));
        assert_ok(subjects[i].work(&old[i], PARSEAL_BUF_CUDA, here, stream));
    }
}

/* A sum is captured, and everything else happens in its middle. */
static void check_capture(int mode, unsigned stream_flags, bool other_thread)
{
    const subject *s = &subjects[SUBJECTS - 1];
    const subject_objects o = {.ctx = gpu};
    cu_stream stream;
    pthread_t thread;
    graph captured = NULL;
    int line = 0;
    CU(StreamCreate, (&stream, stream_flags));
    put(captured_here, &good);
    put(here, &good);
    make_old(stream);
    assert_int_equal(cu.begin(stream, mode), CU_OK);
    if (other_thread) {
        assert_int_equal(pthread_create(&thread, NULL, in_thread, &line), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    } else {
        line = go_on_beside();
    }
    if (line != 0)
        fail_msg("not so: line %d; \"%s\"", line, parseal_last_error_text());
    assert_int_equal(machine.found(subject_secret, sizeof subject_secret), 0);
    assert_ok(s->work(&o, PARSEAL_BUF_CUDA, captured_here, stream));
    assert_int_equal(cu.end(stream, &captured), CU_OK);
    run_graph(captured, stream);
    CU(StreamSynchronize, (stream));
    check_captured(s);
    CU(StreamDestroy, (stream));
}

static void captures_go_on(void **state)
{
    (void)state;
    memcpy(&want, &good, sizeof want);
    subject_expect(&subjects[SUBJECTS - 1], &want);
    n_subjects = WITH_A_CONTEXT;
    check_capture(MODE_GLOBAL, CU_STREAM_NON_BLOCKING, false);
    check_capture(MODE_GLOBAL, 0, true);
    n_subjects = WITHOUT;
    check_capture(MODE_GLOBAL, 0, false);
    check_capture(MODE_GLOBAL, CU_STREAM_NON_BLOCKING, true);
    check_capture(MODE_THREAD_LOCAL, CU_STREAM_NON_BLOCKING, false);
    check_capture(MODE_THREAD_LOCAL, 0, true);
}

/* Afterwards the thread is forbidden what it was forbidden before. */
static void the_thread_stays_as_it_was(void **state)
{
    static const int modes[] = {MODE_GLOBAL, MODE_THREAD_LOCAL, CU_CAPTURE_MODE_RELAXED};
    (void)state;
    n_subjects = WITHOUT;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        int mode = modes[i];
        make_old(apart);
        CU(ThreadExchangeStreamCaptureMode, (&mode));
        assert_int_equal(mode, MODE_GLOBAL);
        assert_int_equal(go_on_beside(), 0);
        CU(ThreadExchangeStreamCaptureMode, (&mode));
        assert_int_equal(mode, modes[i]);
    }
}

/* A graph is launched on the default stream, as frameworks do, and what it uses destroyed before
 * that has begun. */
static void what_a_graph_on_the_default_stream_uses(void **state)
{
    cu_stream stream;
    (void)state;
    CU(StreamCreate, (&stream, CU_STREAM_NON_BLOCKING));
    for (size_t i = 0; i < SUBJECTS; i++) {
        const subject *s = &subjects[i];
        subject_objects o;
        graph captured;
        memcpy(&want, &good, sizeof want);
        subject_expect(s, &want);
        put(captured_here, &good);
        assert_ok(subject_open_for_graph(s, gpu, &options, &o));
        assert_int_equal(cu.begin(stream, MODE_GLOBAL), CU_OK);
        assert_ok(s->work(&o, PARSEAL_BUF_CUDA, captured_here, stream));
        assert_int_equal(cu.end(stream, &captured), CU_OK);
        run_graph(captured, CU_STREAM_LEGACY);
        s->destroy(&o);
        check_captured(s);
    }
    CU(StreamDestroy, (stream));
}

/* ------------------------------------------------------------------ the library's own memory -- */

/* An aggregator's sum is nobody else's, so no call on it and on host memory waits for what others
 * do on the default stream; one on a buffer of theirs does. */
static void an_aggregator_waits_for_nobody(void **state)
{
    static uint32_t done;
    parseal_aggregator_options shape = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_aggregator *a;
    (void)state;
    shape.ring = ring;
    shape.dim = SUBJECT_COUNT;
    assert_ok(parseal_aggregator_create(&a, gpu, &shape));
    CU(MemsetD32Async, (here, 7, 1, CU_STREAM_LEGACY));
    CU(MemcpyDtoHAsync, (&done, here, sizeof done, CU_STREAM_LEGACY));
    assert_int_equal(aggregate(), 0);
    assert_int_equal(done, 0);
    const parseal_vec theirs = {{PARSEAL_BUF_CUDA, 0, here, 0, sizeof good.acc}, SUBJECT_COUNT};
    assert_ok(parseal_aggregator_sum(a, &theirs));
    assert_int_equal(done, 7);
    parseal_aggregator_destroy(a);
}

static int open_gpu(void **state)
{
    cu_pointer *const memories[] = {&captured_here, &here};
    (void)state;
    subject_fill(&good);
    for (size_t i = 0; i < COUNT_OF(memories); i++)
        CU(MemAlloc, (memories[i], sizeof good));
    CU(StreamCreate, (&apart, CU_STREAM_NON_BLOCKING));
    options.backend = PARSEAL_BACKEND_CUDA;
    assert_ok(parseal_ctx_create(&gpu, &options));
    return 0;
}

static int close_gpu(void **state)
{
    (void)state;
    parseal_ctx_destroy(gpu);
    CU(StreamDestroy, (apart));
    CU(MemFree, (captured_here));
    CU(MemFree, (here));
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(captures_go_on, machine_reset),
        cmocka_unit_test_setup(the_thread_stays_as_it_was, machine_reset),
        cmocka_unit_test_setup(what_a_graph_on_the_default_stream_uses, machine_reset),
        cmocka_unit_test_setup(an_aggregator_waits_for_nobody, machine_reset),
    };
    if (!machine_find() || !find_graphs()) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    if (!primary_enter())
        return run_skip("no CUDA device");
    const int failed = cmocka_run_group_tests_name("captures", tests, open_gpu, close_gpu);
    primary_leave();
    return failed;
}
