/* Objects that are destroyed while a queue of the caller's has yet to begin the work that uses
 * them: it is done all the same, and with the right keys. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "device_kind.h"
#include "host/opencl/cl_api.h"
#include "host/support/dynlib.h"
#include "run.h"
#include "subjects.h"

static cl_api api;
static cl_event(CL_API_CALL *create_user_event)(cl_context context, cl_int *error);
static cl_int(CL_API_CALL *set_status)(cl_event event, cl_int status);

static bool find_events(void)
{
    static const char *const names[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};
    void *library = dynlib_open(names);
    if (library == NULL || cl_api_load(&api) != PARSEAL_OK)
        return false;
    dynlib_function(library, "clCreateUserEvent", &create_user_event, sizeof create_user_event);
    dynlib_function(library, "clSetUserEventStatus", &set_status, sizeof set_status);
    return create_user_event != NULL && set_status != NULL;
}

/* What comes after it in the stream begins when its status is set. */
static cl_event make_gate(const parseal_options *options)
{
    cl_int error;
    const cl_event gate = create_user_event((cl_context)options->opencl_context, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(api.EnqueueBarrierWithWaitList(on.stream(), 1, &gate, NULL), CL_SUCCESS);
    return gate;
}

typedef struct {
    const subject *s;
    subject_objects o;
    atomic_bool done;
} destruction;

static void *destroy(void *arg)
{
    destruction *d = arg;
    d->s->destroy(&d->o);
    atomic_store(&d->done, true);
    return NULL;
}

/* Who does not wait has the time to do harm; who does is waited for no longer than that. */
static void let_do_harm(destruction *d)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int i = 0; i < 50 && !atomic_load(&d->done); i++)
        (void)nanosleep(&nap, NULL);
}

static void check_subject(const subject *s, parseal_ctx *ctx, const parseal_options *options)
{
    static subject_data good, want, got;
    destruction d = {.s = s};
    pthread_t thread;
    subject_fill(&good);
    memcpy(&want, &good, sizeof want);
    subject_expect(s, &want);
    atomic_init(&d.done, false);
    const uint64_t memory = on.alloc(sizeof good);
    on.write(memory, 0, &good, sizeof good);
    assert_ok(subject_open(s, ctx, options, &d.o));
    const cl_event gate = make_gate(options);
    assert_ok(s->work(&d.o, PARSEAL_BUF_OPENCL, memory, on.stream()));
    assert_int_equal(api.Flush(on.stream()), CL_SUCCESS);
    assert_int_equal(pthread_create(&thread, NULL, destroy, &d), 0);
    let_do_harm(&d);
    assert_int_equal(set_status(gate, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(pthread_join(thread, NULL), 0);
    on.finish();
    on.read(memory, 0, &got, sizeof got);
    if (memcmp(&got, &want, SUBJECT_RESULTS) != 0)
        fail_msg("%s: wrong", s->name);
    assert_int_equal(api.ReleaseEvent(gate), CL_SUCCESS);
    on.free(memory);
}

static void work_goes_on(void **state)
{
    (void)state;
    for (int kind = 0; kind < on.streams; kind++) {
        parseal_options options = PARSEAL_OPTIONS_INIT;
        parseal_ctx *ctx;
        on.open(kind, &options);
        options.backend = on.backend;
        assert_ok(parseal_ctx_create(&ctx, &options));
        for (size_t i = 0; i < SUBJECTS; i++)
            check_subject(&subjects[i], ctx, &options);
        parseal_ctx_destroy(ctx);
        on.close();
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(work_goes_on)};
    if (!on.find() || !find_events())
        return run_skip("no device");
    return RUN_SUITE("destroying", tests);
}
