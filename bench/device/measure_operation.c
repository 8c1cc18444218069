#include "bench/cpu/support.h"
#include "bench/device/result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct runs {
    size_t n;
    double seconds[MAX_RUNS];
    size_t n_kernels;
    struct kernel_time kernels[KERNELS_MAX]; /* times of the last run */
    double kernel_seconds[KERNELS_MAX][MAX_RUNS];
};

/* -------------------------------------------------------------------- by the device's events -- */

/* Measures the seconds of one run, from `repeats` of them between two events on the stream. */
static bool time_repeats(struct device_work *w, uint64_t repeats, double *seconds)
{
    const struct device *device = w->side->device;
    if (!device_time_begin(device))
        return false;
    for (uint64_t i = 0; i < repeats; i++) {
        if (!w->op->kind->run(w))
            return false;
    }
    if (!device_time_end(device, seconds))
        return false;
    *seconds = fmax(*seconds, 1e-9) / (double)repeats;
    return true;
}

static bool warm_up(struct device_work *w, double seconds)
{
    const double start = seconds_now();
    do {
        if (!w->op->kind->run(w) || !device_wait(w->side->device))
            return false;
    } while (seconds_now() - start < seconds);
    return true;
}

static bool time_runs(struct device_work *w, const struct effort *effort, struct runs *runs)
{
    double one;
    if (!time_repeats(w, 1, &one))
        return false;
    const uint64_t repeats =
        one < effort->min_run_seconds ? (uint64_t)ceil(effort->min_run_seconds / one) : 1;
    const double start = seconds_now();
    runs->n = 0;
    while (runs->n < effort->min_runs ||
           (runs->n < MAX_RUNS && seconds_now() - start < effort->row_seconds)) {
        if (!time_repeats(w, repeats, &runs->seconds[runs->n++]))
            return false;
    }
    return true;
}

static bool time_kernels(struct device_work *w, size_t n, struct runs *runs)
{
    parseal_ctx *gpu = w->side->gpu;
    for (size_t run = 0; run < n; run++) {
        kernel_times_begin(gpu);
        const bool fine = w->op->kind->run(w) && device_wait(w->side->device);
        runs->n_kernels = kernel_times_end(gpu, runs->kernels);
        if (!fine)
            return false;
        for (size_t k = 0; k < runs->n_kernels; k++)
            runs->kernel_seconds[k][run] = runs->kernels[k].seconds;
    }
    for (size_t k = 0; k < runs->n_kernels; k++)
        runs->kernels[k].seconds = median(runs->kernel_seconds[k], n);
    return true;
}

static struct rates rates_of(double *seconds, size_t n, uint64_t bytes)
{
    const double gigabytes = 1e-9 * (double)bytes;
    struct rates rates = {.runs = n};
    rates.gbps = gigabytes / median(seconds, n); /* This sorts the seconds. */
    rates.gbps_min = gigabytes / seconds[n - 1];
    rates.gbps_max = gigabytes / seconds[0];
    return rates;
}

/* Finds the kernel that a row is about: the only one whose name has the row's prefix. */
static bool find_kernel(const struct device_operation *op, const struct runs *runs, size_t *found)
{
    for (size_t k = 0; k < runs->n_kernels; k++) {
        if (strncmp(runs->kernels[k].name, op->kernel, strlen(op->kernel)) == 0) {
            *found = k;
            return true;
        }
    }
    return false;
}

static bool measure_kernels(struct device_work *w, const struct patience *patience,
                            struct result *result)
{
    static struct runs runs;
    size_t k;
    const bool one_kernel = w->op->kernel != NULL;
    const size_t n = one_kernel ? patience->gpu.min_runs : patience->kernel_runs;
    if (!time_kernels(w, n, &runs))
        return false;
    memcpy(result->kernels, runs.kernels, sizeof result->kernels);
    result->n_kernels = runs.n_kernels;
    if (!one_kernel)
        return true;
    if (!find_kernel(w->op, &runs, &k)) {
        result->outcome = OUTCOME_LEFT_OUT;
        snprintf(result->why, sizeof result->why, "no kernel %s runs on this device",
                 w->op->kernel);
        return true;
    }
    result->rates = rates_of(runs.kernel_seconds[k], n, w->bytes);
    return true;
}

static bool measure_by_events(struct device_work *w, const struct patience *patience,
                              struct result *result)
{
    static struct runs runs;
    if (!warm_up(w, patience->warm_up_seconds))
        return false;
    if (w->op->kernel == NULL) {
        if (!time_runs(w, &patience->gpu, &runs))
            return false;
        result->rates = rates_of(runs.seconds, runs.n, w->bytes);
    }
    return measure_kernels(w, patience, result);
}

/* ----------------------------------------------------------------------- by the host's clock -- */

static bool run_work(void *work)
{
    struct device_work *w = work;
    return w->op->kind->run(w);
}

static bool run_cpu(void *work)
{
    struct device_work *w = work;
    return w->op->kind->run_sample(w);
}

static bool measure_by_clock(bool (*run)(void *), struct device_work *w, uint64_t bytes,
                             const struct effort *effort, struct rates *rates)
{
    const struct subject subject = {run, w};
    double seconds;
    return measure(&subject, 1, bytes, effort, rates, &seconds) == MEASURED;
}

static bool measure_cpu(struct device_work *w, const struct patience *patience,
                        struct result *result)
{
    struct rates rates;
    result->cpu_gbps = w->cpu_gbps;
    if (w->op->kind->run_sample == NULL || w->sample_bytes == 0)
        return true;
    if (!measure_by_clock(run_cpu, w, w->sample_bytes, &patience->cpu, &rates))
        return false;
    result->cpu_gbps = rates.gbps;
    result->cpu_bytes = w->sample_bytes;
    return true;
}

/* ----------------------------------------------------------------------------------- the row -- */

static void keep_rates(const struct device_operation *op, const struct result *result,
                       struct measured_rates *measured)
{
    if (op->kind == &kind_device_copy)
        measured->device_copy = result->rates.gbps;
    else if (op->kind == &kind_upload)
        measured->host_to_device = result->rates.gbps;
    else if (op->kind == &kind_download)
        measured->device_to_host = result->rates.gbps;
}

static bool measure_work(struct device_work *w, const struct patience *patience,
                         struct result *result)
{
    const struct operation_kind *kind = w->op->kind;
    if (!kind->prepare(w) || !kind->check(w))
        return false;
    describe_shape(w, result->shape, sizeof result->shape);
    result->size = w->size;
    result->n = w->n;
    result->bytes = w->bytes;
    const bool fine = kind->blocking
                          ? measure_by_clock(run_work, w, w->bytes, &patience->gpu, &result->rates)
                          : measure_by_events(w, patience, result);
    return fine && measure_cpu(w, patience, result);
}

void measure_operation(const struct device_operation *op, const struct bench_side *side,
                       const struct patience *patience, struct measured_rates *measured,
                       struct result *result)
{
    struct device_work w = {.op = op, .side = side};
    *result = (struct result){.op = op};
    complaint_forget();
    settle_operation(&w);
    if (!measure_work(&w, patience, result)) {
        result->outcome = OUTCOME_FAILED;
        snprintf(result->why, sizeof result->why, "%s", complaint_first());
    } else {
        keep_rates(op, result, measured);
        result->bound = bound_of(op->bound, side->device, measured);
    }
    op->kind->release(&w);
}
