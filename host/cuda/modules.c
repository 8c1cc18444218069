/* The kernels: modules from the images that nvcc has made, and how many blocks of each run at
 * once. */
#include <string.h>

#include "host/cuda/device.h"
#include "host/support/float_state.h"

/* The images are made by kernels/cuda or, without nvcc, are stand-ins that no driver takes. */
#define IMAGE(upper, name, X) extern const unsigned char cuda_##name##_fatbin[];
KERNEL_FILES(IMAGE, IMAGE, )

static const struct {
    const char *name;
    const unsigned char *image;
} files[CUDA_FILES] = {
#define FILE_ROW(upper, name, X) {#name, cuda_##name##_fatbin},
    KERNEL_FILES(FILE_ROW, FILE_ROW, )};

typedef struct {
    const char *file, *name;
    uint32_t threads, shared, items;
} kernel_row;

#define ROW(file, name, threads, shared, items) {#file, #name, threads, shared, items},
static const kernel_row rows[CUDA_KERNEL_COUNT] = {CUDA_KERNELS(ROW)};

/* The most static shared memory of a kernel, beside the dynamic that a launch gives it, and the
 * most that a block may have without asking for more, in bytes. */
enum { STATIC_SHARED = 20480, USUAL_SHARED = 48 * 1024 };

static bool is_of(const kernel_row *row, const char *file)
{
    return strcmp(row->file, file) == 0;
}

/* Files of kernels with carry-less multiplications: PTX, and what an nvcc has made that does not
 * know them, has none of them. */
static bool has_clmad(const char *file)
{
    return strcmp(file, "ghash_clmad") == 0 || strcmp(file, "aead_seal") == 0;
}

/* Returns true for kernels that this device can run fast. The tensor cores' b1 products are single
 * instructions from 8.0 to 9.x only. */
static bool suits(const cuda_device *d, const kernel_row *row)
{
    if (is_of(row, "ghash_mma") && (d->capability < 80 || d->capability >= 100))
        return false;
    if (has_clmad(row->file) && d->capability < 80)
        return false;
    return row->shared <= USUAL_SHARED - STATIC_SHARED ||
           row->shared + STATIC_SHARED <= d->shared_max;
}

/* Stores whether what was loaded has the kernel's instructions. A driver takes PTX for any lesser
 * capability, where there is no machine code for the device or it is told to, and that of 7.5 has
 * no b1 products: the device's own capability says nothing of it. */
static parseal_status check_image(const cuda_device *d, const kernel_row *row, cu_function function,
                                  bool *complete)
{
    int ptx, binary;
    *complete = true;
    if (!is_of(row, "ghash_mma"))
        return PARSEAL_OK;
    CU_TRY(&d->api, FuncGetAttribute, (&ptx, CU_FUNCTION_PTX_VERSION, function));
    CU_TRY(&d->api, FuncGetAttribute, (&binary, CU_FUNCTION_BINARY_VERSION, function));
    *complete = ptx >= 80 && binary >= 80;
    return PARSEAL_OK;
}

/* Finds the kernel in what was loaded. */
static parseal_status find_kernel(const cuda_device *d, const kernel_row *row, cu_module module,
                                  cu_function *function, bool *there)
{
    const cu_result error = d->api.ModuleGetFunction(function, module, row->name);
    *there = false;
    if (error == CU_NOT_FOUND && has_clmad(row->file))
        return PARSEAL_OK;
    return error == CU_OK ? check_image(d, row, *function, there)
                          : cu_failed(&d->api, "cuModuleGetFunction", error);
}

static parseal_status load_kernel(cuda_device *d, const kernel_row *row, cu_module module,
                                  cuda_kernel *kernel)
{
    int blocks;
    bool there;
    TRY(find_kernel(d, row, module, &kernel->function, &there));
    if (!there)
        return PARSEAL_OK;
    if (row->shared > 0)
        CU_TRY(&d->api, FuncSetAttribute,
               (kernel->function, CU_FUNCTION_DYNAMIC_SHARED_MAX, (int)row->shared));
    CU_TRY(&d->api, OccupancyMaxActiveBlocks,
           (&blocks, kernel->function, (int)row->threads, row->shared));
    if (blocks <= 0)
        return parseal_fail(PARSEAL_ERR_DEVICE, "cuda: %s does not run %s", d->gpu.name, row->name);
    kernel->blocks_max = (uint32_t)blocks * d->multiprocessors;
    return PARSEAL_OK;
}

/* The number of the driver's branch that is the first for a CUDA version, as users know drivers. */
static const char *branch_of(int version)
{
    return version / 1000 == 13 ? " (R580)" : version / 1000 == 12 ? " (R525)" : "";
}

/* Machine code runs on every driver that has its nvcc's major version, and on none before. */
static parseal_status check_version(const cuda_device *d, int *version)
{
    CU_TRY(&d->api, DriverGetVersion, (version));
    if (!PARSEAL_CUDA_KERNELS || *version >= PARSEAL_CUDA_VERSION)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                        "cuda: the driver is for CUDA %d.%d, this build needs one for %d.%d%s or "
                        "later",
                        *version / 1000, *version % 1000 / 10, PARSEAL_CUDA_VERSION / 1000,
                        PARSEAL_CUDA_VERSION % 1000 / 10, branch_of(PARSEAL_CUDA_VERSION));
}

static bool is_refusal(cu_result error)
{
    return error == CU_INVALID_IMAGE || error == CU_NO_BINARY_FOR_GPU || error == CU_INVALID_PTX ||
           error == CU_UNSUPPORTED_PTX_VERSION;
}

static parseal_status load_module(cuda_device *d, size_t f, int version)
{
    const cu_result error = d->api.ModuleLoadData(&d->module[f], files[f].image);
    if (error != CU_OK && !PARSEAL_CUDA_KERNELS)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: built without nvcc: no kernels");
    if (is_refusal(error) && has_clmad(files[f].name)) {
        d->module[f] = NULL; /* There is no kernel in it. */
        return PARSEAL_OK;
    }
    if (is_refusal(error))
        return parseal_fail(
            PARSEAL_ERR_NO_DEVICE,
            "cuda: this build has no kernels that the driver, for CUDA %d.%d, takes "
            "for compute capability %d.%d (error %d)",
            version / 1000, version % 1000 / 10, d->capability / 10, d->capability % 10, error);
    return error == CU_OK ? PARSEAL_OK : cu_failed(&d->api, "cuModuleLoadData", error);
}

parseal_status cuda_load(cuda_device *d)
{
    int version;
    TRY(check_version(d, &version));
    for (size_t f = 0; f < CUDA_FILES; f++) {
        TRY(load_module(d, f, version));
        for (size_t k = 0; k < CUDA_KERNEL_COUNT && d->module[f] != NULL; k++)
            if (is_of(&rows[k], files[f].name) && suits(d, &rows[k]))
                TRY(load_kernel(d, &rows[k], d->module[f], &d->kernel[k]));
    }
    return PARSEAL_OK;
}

void cuda_unload(cuda_device *d)
{
    for (size_t f = 0; f < CUDA_FILES; f++)
        if (d->module[f] != NULL)
            (void)d->api.ModuleUnload(d->module[f]);
}

/* ------------------------------------------------------------------------------------ launch -- */

/* Arguments in the form that a kernel takes: a place is one pointer. */
typedef struct {
    void *pointer[GPU_ARGS_MAX];
    cu_pointer address[GPU_ARGS_MAX];
    vec_inputs inputs;
} kernel_args;

static cu_pointer address_of(const gpu_place *place)
{
    return (cu_pointer)place->memory + place->at;
}

static void set_args(kernel_args *args, const gpu_launch *launch)
{
    for (uint32_t i = 0; i < launch->n_args; i++) {
        const gpu_arg *arg = &launch->arg[i];
        args->pointer[i] = &args->address[i];
        args->address[i] = address_of(&arg->place);
        if (arg->kind == GPU_VALUE)
            args->pointer[i] = (void *)(launch->value + arg->at);
        if (arg->kind != GPU_INPUTS)
            continue;
        args->pointer[i] = &args->inputs;
        for (size_t j = 0; j < SUM_INPUTS_MAX; j++)
            args->inputs.address[j] = address_of(j < arg->n_inputs ? &arg->inputs[j] : &arg->place);
    }
}

/* Notes the beginning of a run. Returns false where it is not timed: a kernel runs all the same
 * where an event cannot be had. A captured kernel is never timed, as it does not run now, and
 * asking for its time would spoil the capture. */
static bool begin_run(const cuda_device *d, cu_stream stream, cuda_run *run)
{
    int capturing = 0;
    if (!d->time_kernels || d->api.StreamIsCapturing(stream, &capturing) != CU_OK ||
        capturing != 0 || d->api.EventCreate(&run->begin, 0) != CU_OK)
        return false;
    if (d->api.EventCreate(&run->end, 0) == CU_OK) {
        if (d->api.EventRecord(run->begin, stream) == CU_OK)
            return true;
        (void)d->api.EventDestroy(run->end);
    }
    (void)d->api.EventDestroy(run->begin);
    return false;
}

static void add_up_run(cuda_state *state, size_t kernel, float milliseconds)
{
    const float_state before = float_state_set();
    const double seconds = 1e-3 * (double)milliseconds;
    state->kernel_seconds += seconds;
    state->seconds[kernel] += seconds;
    float_state_restore(&before);
}

static void add_up_runs(const cuda_device *d)
{
    cuda_state *state = d->state;
    for (size_t i = 0; i < state->n_runs; i++) {
        float milliseconds;
        const cuda_run *run = &state->run[i];
        if (d->api.EventSynchronize(run->end) == CU_OK &&
            d->api.EventElapsedTime(&milliseconds, run->begin, run->end) == CU_OK)
            add_up_run(state, run->kernel, milliseconds);
        (void)d->api.EventDestroy(run->begin);
        (void)d->api.EventDestroy(run->end);
    }
    state->n_runs = 0;
}

static void end_run(const cuda_device *d, cu_stream stream, const cuda_run *run)
{
    if (d->api.EventRecord(run->end, stream) != CU_OK) {
        (void)d->api.EventDestroy(run->begin);
        (void)d->api.EventDestroy(run->end);
        return;
    }
    (void)pthread_mutex_lock(&d->gpu.shared->lock);
    if (d->state->n_runs == CUDA_RUNS_MAX)
        add_up_runs(d);
    d->state->run[d->state->n_runs++] = *run;
    (void)pthread_mutex_unlock(&d->gpu.shared->lock);
}

double cuda_kernel_seconds(const cuda_device *d)
{
    (void)pthread_mutex_lock(&d->gpu.shared->lock);
    add_up_runs(d);
    const double seconds = d->state->kernel_seconds;
    (void)pthread_mutex_unlock(&d->gpu.shared->lock);
    return seconds;
}

parseal_status cuda_launch(const gpu_launch *launch, const gpu_stream *s, uint64_t items)
{
    const cuda_device *d = cuda_of(launch->device);
    size_t k = 0;
    while (k < CUDA_KERNEL_COUNT && strcmp(rows[k].name, launch->kernel) != 0)
        k++;
    if (k == CUDA_KERNEL_COUNT || d->kernel[k].blocks_max == 0)
        return parseal_fail(PARSEAL_ERR_DEVICE, "cuda: no kernel %s for %s", launch->kernel,
                            d->gpu.name);
    const uint64_t wanted = (items - 1) / rows[k].items + 1;
    const uint32_t max = d->kernel[k].blocks_max, blocks = wanted < max ? (uint32_t)wanted : max;
    kernel_args args;
    cuda_run run = {.kernel = k};
    set_args(&args, launch);
    const bool timed = begin_run(d, s->handle, &run);
    const cu_result error =
        d->api.LaunchKernel(d->kernel[k].function, blocks, 1, 1, rows[k].threads, 1, 1,
                            rows[k].shared, s->handle, args.pointer, NULL);
    if (timed)
        end_run(d, s->handle, &run);
    return error == CU_OK ? PARSEAL_OK : cu_failed(&d->api, launch->kernel, error);
}
