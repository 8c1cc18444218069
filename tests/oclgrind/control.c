/* What Oclgrind has to find: a race, and two uses of what nobody has written. run.sh looks for each
 * of them in its report, by the kernel's name. */
#include "check.h"
#include "host/opencl/cl_api.h"

static const char source[] =
    "__kernel void races(__global uint *p) { p[0] = (uint)get_global_id(0); }\n"
    "__kernel void own_variable(__global uint *p, uint i) {\n"
    "    uint x[4];\n"
    "    x[0] = 1;\n"
    "    p[1] = x[i & 3] > 5 ? 2 : 3;\n"
    "}\n"
    "__kernel void unwritten(__global uint *p, uint i) { if (p[i] == 7) p[2] = 1; }\n"
    "__kernel void written(__global uint *p, uint i) { if (p[i] == 7) p[2] = 1; }\n";

enum { WORDS = 300, WRITTEN = 100 };

typedef struct {
    cl_api api;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_mem memory;
} bench;

/* index: the kernel's second argument, or -1 where it has none. */
static void run(bench *b, const char *name, int index, size_t items)
{
    cl_int error;
    const cl_uint word = (cl_uint)index;
    cl_kernel kernel = b->api.CreateKernel(b->program, name, &error);
    assert_int_equal(error, CL_SUCCESS);
    assert_int_equal(b->api.SetKernelArg(kernel, 0, sizeof b->memory, &b->memory), CL_SUCCESS);
    if (index >= 0)
        assert_int_equal(b->api.SetKernelArg(kernel, 1, sizeof word, &word), CL_SUCCESS);
    assert_int_equal(
        b->api.EnqueueNDRangeKernel(b->queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL),
        CL_SUCCESS);
    assert_int_equal(b->api.Finish(b->queue), CL_SUCCESS);
    assert_int_equal(b->api.ReleaseKernel(kernel), CL_SUCCESS);
}

static void run_all(bench *b)
{
    static const cl_uint words[WRITTEN] = {1};
    assert_int_equal(b->api.EnqueueWriteBuffer(b->queue, b->memory, CL_TRUE, sizeof words,
                                               sizeof words, words, 0, NULL, NULL),
                     CL_SUCCESS);
    run(b, "races", -1, 4);
    run(b, "own_variable", 2, 1);
    run(b, "unwritten", WRITTEN - 1, 1);
    run(b, "unwritten", 2 * WRITTEN, 1);
    run(b, "written", WRITTEN, 1);
    run(b, "written", 2 * WRITTEN - 1, 1);
}

static void reports(void **state)
{
    (void)state;
    bench b;
    cl_platform_id platform;
    cl_device_id device;
    cl_int error;
    const char *text = source;
    const size_t length = sizeof source - 1;
    assert_ok(cl_api_load(&b.api));
    assert_int_equal(b.api.GetPlatformIDs(1, &platform, NULL), CL_SUCCESS);
    assert_int_equal(b.api.GetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL),
                     CL_SUCCESS);
    b.context = b.api.CreateContext(NULL, 1, &device, NULL, NULL, &error);
    b.queue = b.api.CreateCommandQueue(b.context, device, 0, &error);
    b.program = b.api.CreateProgramWithSource(b.context, 1, &text, &length, &error);
    assert_int_equal(b.api.BuildProgram(b.program, 1, &device, "", NULL, NULL), CL_SUCCESS);
    b.memory =
        b.api.CreateBuffer(b.context, CL_MEM_READ_WRITE, WORDS * sizeof(cl_uint), NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    run_all(&b);
    (void)b.api.ReleaseMemObject(b.memory);
    (void)b.api.ReleaseProgram(b.program);
    (void)b.api.ReleaseCommandQueue(b.queue);
    (void)b.api.ReleaseContext(b.context);
    cl_api_unload(&b.api);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reports)};
    return cmocka_run_group_tests(tests, NULL, NULL) == 0 ? 0 : 1;
}
