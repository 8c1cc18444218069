#include "fault_bench.h"

#include <string.h>

static const fault_subject subjects[] = {
    {"opencl", "libOpenCL.so.1", PARSEAL_BACKEND_OPENCL, "PARSEAL_OPENCL_DEVICE", "0:0"},
    {"cuda", "libcuda.so.1", PARSEAL_BACKEND_CUDA, "PARSEAL_CUDA_DEVICE", "0"},
};

const fault_subject *tested;
shim_functions shim;
uint64_t failing;

uint8_t key_bytes[KEYS * PARSEAL_AES256GCM_KEYBYTES];
const parseal_seed seed_list[SEEDS] = {
    {.key = {1}, .sign = 1}, {.key = {2}, .sign = -1}, {.key = {3}, .sign = 1}};
side device, cpu;

bool fault_subject_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(subjects); i++)
        if (strcmp(name, subjects[i].name) == 0)
            tested = &subjects[i];
    if (tested == NULL || shim_find(tested->library, &shim))
        return tested != NULL;
    print_error("%s is not this test's own: see LD_LIBRARY_PATH\n", tested->library);
    return false;
}

parseal_status side_open(side *s, int32_t backend)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    options.cpu_threads = 1;
    options.device_memory = (uint64_t)1 << 20; /* the least that there may be */
    options.time_kernels = 1;
    return parseal_ctx_create(&s->ctx, &options);
}

void side_fill(side *s)
{
    assert_ok(parseal_keys_create(&s->keys, s->ctx, PARSEAL_AES256GCM, key_bytes, KEYS, NULL));
    assert_ok(parseal_seeds_create(&s->seeds, s->ctx, seed_list, SEEDS));
}

void side_close(side *s)
{
    parseal_seeds_destroy(s->seeds);
    parseal_keys_destroy(s->keys);
    parseal_ctx_destroy(s->ctx);
    *s = (side){0};
}

bool met_failure(parseal_status status)
{
    const bool met = shim.failed()[0] != '\0';
    ensure(met || status == PARSEAL_OK);
    ensure(status == PARSEAL_OK || status == PARSEAL_ERR_DEVICE || status == PARSEAL_ERR_NO_MEMORY);
    return met;
}

/* Without `between`, what the work finds is what a failure has left. */
static uint64_t fail_each(work run, bool between, uint64_t first, uint64_t step)
{
    bool met = true;
    uint64_t tried = 0;
    for (failing = first; met; failing += step) {
        shim.fail_at(0);
        if (between)
            assert_ok(run());
        shim.fail_at(failing);
        met = met_failure(run());
        tried += met;
    }
    shim.fail_at(0);
    assert_ok(run());
    return tried;
}

void fail_some(const char *what, work run, uint64_t step)
{
    const uint64_t first = fail_each(run, true, 1, step);
    const uint64_t second = fail_each(run, false, 1 + step / 2, step);
    ensure(first > 0 && second > 0);
    print_message("%s: %" PRIu64 " and %" PRIu64 " calls\n", what, first, second);
}

void fail_all(const char *what, work run)
{
    fail_some(what, run, 1);
}
