#include "host/gpu/count.h"

#include <stdlib.h>

#include "host/gpu/driver.h"
#include "host/support/counting.h"

parseal_status gpu_refuse_capture(const gpu_device *d, void *stream, const char *why)
{
    gpu_stream s;
    bool capturing;
    if (stream == NULL || d->driver->is_capturing == NULL)
        return PARSEAL_OK;
    TRY(gpu_stream_of(d, stream, &s));
    TRY(d->driver->is_capturing(d, &s, &capturing));
    return capturing ? parseal_fail(PARSEAL_ERR_ARG, "stream: it is captured, and %s", why)
                     : PARSEAL_OK;
}

static parseal_status zeroed(const gpu_device *d, uint64_t size, gpu_memory *memory)
{
    TRY(gpu_alloc(d, size, memory));
    return d->driver->wipe(d, &d->own, *memory, 0, size);
}

/* ------------------------------------------------------------------------------------ nonces -- */

/* After the work of a plan that does not count come the tags that are made, and for each message
 * its state and a verdict that nobody reads. */
enum { WORK_TAG = 16, WORK_STATE = 4, WORK_VERDICT = 4 };

static uint64_t smallest_runs(const parseal_aead_shape *shape, uint32_t nonce_size)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < shape->n; i++) {
        const uint64_t number = counting_of_nonce(shape->nonce + i * nonce_size, nonce_size);
        const uint64_t runs = counting_runs(number, shape->nonce_step);
        least = runs < least ? runs : least;
    }
    return least;
}

parseal_status gpu_nonces_open(gpu_nonces *nonces, const gpu_keys *keys,
                               const parseal_aead_shape *shape)
{
    const gpu_device *d = keys->device;
    const gpu_stream own = d->own;
    const uint64_t size = (uint64_t)shape->n * keys->nonce_size;
    *nonces =
        (gpu_nonces){.step = shape->nonce_step, .runs = smallest_runs(shape, keys->nonce_size)};
    TRY(gpu_alloc(d, size, &nonces->first));
    TRY(zeroed(d, shape->n * sizeof(uint64_t), &nonces->done));
    return gpu_write_now(d, &own, nonces->first, 0, shape->nonce, size);
}

void gpu_nonces_close(gpu_nonces *nonces, const gpu_device *d)
{
    gpu_free(d, nonces->first);
    gpu_free(d, nonces->done);
    *nonces = (gpu_nonces){0};
}

uint64_t gpu_nonces_work(const gpu_table *t)
{
    return gpu_work_size(t) + (uint64_t)t->n * (WORK_TAG + WORK_STATE + WORK_VERDICT);
}

static parseal_status take_nonces(const gpu_nonces *nonces, const gpu_keys *keys,
                                  const gpu_table *t, const gpu_aead_io *io,
                                  const gpu_place *states, const gpu_stream *s)
{
    gpu_launch launch;
    gpu_launch_begin(&launch, t->device, GPU_AEAD, "aead_count");
    gpu_arg_memory(&launch, nonces->first);
    gpu_arg_memory(&launch, nonces->done);
    gpu_arg_u32(&launch, t->n);
    gpu_arg_u32(&launch, keys->nonce_size);
    gpu_arg_u64(&launch, nonces->step);
    gpu_arg_u64(&launch, nonces->runs);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, states);
    return gpu_launch_run(&launch, s, t->n);
}

static parseal_status hand_over(const gpu_table *t, const gpu_place *states, const gpu_place *tags,
                                const gpu_aead_io *io, const gpu_stream *s)
{
    gpu_launch launch;
    gpu_launch_begin(&launch, t->device, GPU_AEAD, "aead_counted");
    gpu_arg_place(&launch, states);
    gpu_arg_place(&launch, tags);
    gpu_arg_u32(&launch, t->n);
    gpu_arg_place(&launch, &io->tags);
    gpu_arg_place(&launch, &io->verdicts);
    return gpu_launch_run(&launch, s, t->n);
}

/* Counter mode is the same both ways, so that a message without a nonce is left out as one that is
 * not authentic is when it is opened: its output becomes zeros. Its tag, under a nonce of zeros, is
 * made where no caller looks, and wiped. */
parseal_status gpu_nonces_seal(const gpu_nonces *nonces, const gpu_keys *keys, const gpu_table *t,
                               const gpu_aead_io *io, const gpu_stream *s)
{
    const gpu_place tags = {io->work.memory, io->work.at + gpu_work_size(t)};
    const gpu_place states = {tags.memory, tags.at + (uint64_t)t->n * WORK_TAG};
    const gpu_place verdicts = {states.memory, states.at + (uint64_t)t->n * WORK_STATE};
    gpu_aead_io by_state = *io, aside = *io;
    by_state.verdicts = states;
    aside.tags = tags;
    aside.verdicts = verdicts;
    TRY(take_nonces(nonces, keys, t, io, &states, s));
    TRY(keys->steps->begin(keys, t, io, s, false));
    TRY(keys->steps->crypt(keys, t, &by_state, s, true));
    TRY(keys->steps->hash(keys, t, io, s, false));
    TRY(keys->steps->finish(keys, t, &aside, s, false));
    TRY(hand_over(t, &states, &tags, io, s));
    return t->device->driver->wipe(t->device, s, tags.memory, tags.at, (uint64_t)t->n * WORK_TAG);
}

/* ----------------------------------------------------------------------------------- numbers -- */

enum { NUMBER_UNUSED = 0, NUMBER_WRITTEN = 1, NUMBER_READ = 2, STATE = 32 };

parseal_status gpu_numbers_open(gpu_numbers *numbers, const gpu_device *d,
                                const seeds_counting *counting)
{
    const parseal_buf *number = &counting->number;
    *numbers = (gpu_numbers){.first = counting->first,
                             .step = counting->step,
                             .runs = counting->runs,
                             .number = {number->handle, number->offset},
                             .is_stuck = calloc(1, sizeof *numbers->is_stuck)};
    if (numbers->is_stuck == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory");
    TRY(zeroed(d, STATE, &numbers->state));
    return gpu_finish(d, &d->own);
}

void gpu_numbers_close(gpu_numbers *numbers, const gpu_device *d)
{
    gpu_free(d, numbers->state);
    free(numbers->is_stuck);
    *numbers = (gpu_numbers){0};
}

parseal_status gpu_numbers_next(const gpu_numbers *numbers, const gpu_device *d,
                                const gpu_stream *s, gpu_memory list, size_t n)
{
    const bool is_told = numbers->number.memory != 0;
    const gpu_place nowhere = {numbers->state, 0};
    gpu_launch launch;
    if (numbers->state == 0)
        return PARSEAL_OK;
    if (atomic_load_explicit(numbers->is_stuck, memory_order_relaxed))
        return parseal_fail(PARSEAL_ERR_DEVICE,
                            "seeds: %s did not take the end of an earlier call with the set, which "
                            "has no numbers more: make another one",
                            d->name);
    gpu_launch_begin(&launch, d, GPU_MASK, "seeds_count");
    gpu_arg_memory(&launch, numbers->state);
    gpu_arg_memory(&launch, list);
    gpu_arg_u32(&launch, (uint32_t)n);
    gpu_arg_u64(&launch, numbers->first);
    gpu_arg_u64(&launch, numbers->step);
    gpu_arg_u64(&launch, numbers->runs);
    gpu_arg_place(&launch, is_told ? &numbers->number : &nowhere);
    gpu_arg_u32(&launch, numbers->step == 0 ? NUMBER_READ
                         : is_told          ? NUMBER_WRITTEN
                                            : NUMBER_UNUSED);
    return gpu_launch_run(&launch, s, 1);
}

static parseal_status wipe_results(const gpu_numbers *numbers, const gpu_device *d,
                                   const gpu_stream *s, const gpu_place *results, uint64_t size)
{
    gpu_launch launch;
    gpu_launch_begin(&launch, d, GPU_MASK, "count_wipe");
    gpu_arg_memory(&launch, numbers->state);
    gpu_arg_place(&launch, results);
    gpu_arg_u64(&launch, size / sizeof(uint32_t));
    return gpu_launch_run(&launch, s, size / sizeof(uint32_t));
}

static parseal_status end_call(const gpu_numbers *numbers, const gpu_device *d, const gpu_stream *s)
{
    gpu_launch launch;
    gpu_launch_begin(&launch, d, GPU_MASK, "seeds_end");
    gpu_arg_memory(&launch, numbers->state);
    return gpu_launch_run(&launch, s, 1);
}

parseal_status gpu_numbers_end(const gpu_numbers *numbers, const gpu_device *d, const gpu_stream *s,
                               const gpu_place *results, uint64_t size, parseal_status work)
{
    if (numbers->state == 0)
        return work;
    parseal_error error = parseal_error_save();
    const parseal_status wiped = wipe_results(numbers, d, s, results, size);
    if (work == PARSEAL_OK && wiped != PARSEAL_OK) {
        work = wiped;
        error = parseal_error_save();
    }
    const parseal_status ended = end_call(numbers, d, s);
    if (ended != PARSEAL_OK)
        atomic_store_explicit(numbers->is_stuck, true, memory_order_relaxed);
    if (work == PARSEAL_OK)
        return ended;
    parseal_error_restore(&error);
    return work;
}
