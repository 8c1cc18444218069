/* Operations on arrays, element by element: on device buffers at once, on host memory in pieces. */
#include <stdlib.h>

#include "host/gpu/stage.h"

/* Pieces are multiples of STEP elements, which are whole bytes with any number of bits. */
enum { STEP = 8192 };

typedef struct {
    const gpu_device *device;
    const gpu_operand *operands;
    size_t n_operands;
    uint64_t count, piece; /* all elements, and the elements of a piece */
    uint64_t max, size;    /* bytes of a slot: the most there may be, and those of a piece */
    uint64_t done;         /* elements whose results the caller has: the first ones */
    bool begun;            /* work has begun since, and may have written */
    gpu_work work;
    void *arg;
    gpu_uses *uses;
    gpu_place *places;
    uint64_t *region; /* per operand: its offset in a slot */
    bool *direct;     /* per operand: the caller pinned it, and no slot's host memory is needed */
} job;

/* A piece under way in a slot. */
typedef struct {
    uint64_t first, n; /* n is 0 where there is none */
} piece;

static bool on_host(const gpu_operand *operand)
{
    return operand->buf->kind == PARSEAL_BUF_HOST;
}

/* Returns the bytes of n elements, rounded up. */
static uint64_t bytes_of(uint32_t bits, uint64_t n)
{
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

static uint8_t *host_bytes(const gpu_operand *operand, uint64_t first)
{
    return (uint8_t *)(operand->buf->handle + (uintptr_t)operand->buf->offset +
                       (uintptr_t)bytes_of(operand->bits, first));
}

/* Returns the bytes of a slot that n elements of the operand take. */
static uint64_t region_size(const gpu_operand *operand, uint64_t n)
{
    return (bytes_of(operand->bits, n) + 255) / 256 * 256;
}

/* Lays the host operands out in a slot, and returns the bytes that a piece of n elements takes
 * there. */
static uint64_t lay_out(const job *j, uint64_t n, uint64_t *region)
{
    uint64_t size = 0;
    for (size_t i = 0; i < j->n_operands; i++) {
        if (!on_host(&j->operands[i]))
            continue;
        if (region != NULL)
            region[i] = size;
        size += region_size(&j->operands[i], n);
    }
    return size;
}

static void find_places(const job *j, const gpu_slot *slot, uint64_t first)
{
    for (size_t i = 0; i < j->n_operands; i++) {
        const gpu_operand *operand = &j->operands[i];
        j->places[i] = on_host(operand)
                           ? (gpu_place){slot->memory, j->region[i]}
                           : (gpu_place){operand->buf->handle,
                                         operand->buf->offset + bytes_of(operand->bits, first)};
    }
}

/* Waits for the piece and copies its results to the caller. */
static parseal_status finish_piece(job *j, const gpu_slot *slot, piece *p)
{
    if (p->n == 0)
        return PARSEAL_OK;
    TRY(gpu_finish(j->device, &slot->stream));
    for (size_t i = 0; i < j->n_operands; i++) {
        const gpu_operand *operand = &j->operands[i];
        if (on_host(operand) && operand->write && !j->direct[i])
            gpu_copy(j->device, host_bytes(operand, p->first), slot->host + j->region[i],
                     bytes_of(operand->bits, p->n));
    }
    j->done = p->first + p->n;
    p->n = 0;
    return PARSEAL_OK;
}

static parseal_status bring_in(const job *j, gpu_stage *stage, gpu_slot *slot, const piece *p)
{
    gpu_span span = {stage, slot, false, 0, 0};
    for (size_t i = 0; i < j->n_operands; i++) {
        const gpu_operand *operand = &j->operands[i];
        const uint64_t size = bytes_of(operand->bits, p->n);
        const uint8_t *from = on_host(operand) ? host_bytes(operand, p->first) : NULL;
        if (from == NULL || !operand->read)
            continue;
        if (j->direct[i]) {
            TRY(gpu_slot_in_from(stage, slot, j->region[i], from, size));
            continue;
        }
        gpu_slot_use_both(slot, j->region[i] + size);
        gpu_copy(j->device, slot->host + j->region[i], from, size);
        TRY(gpu_span_add(&span, j->region[i], region_size(operand, p->n)));
    }
    return gpu_span_end(&span);
}

static parseal_status begin_piece(job *j, gpu_stage *stage, gpu_slot *slot, const piece *p)
{
    TRY(bring_in(j, stage, slot, p));
    find_places(j, slot, p->first);
    j->begun = true;
    TRY(j->work(j->arg, &slot->stream, j->places, p->first, p->n));
    for (size_t i = 0; i < j->n_operands; i++) {
        const gpu_operand *operand = &j->operands[i];
        const uint64_t size = bytes_of(operand->bits, p->n);
        if (!on_host(operand) || !operand->write)
            continue;
        if (j->direct[i])
            TRY(gpu_slot_out_to(stage, slot, j->region[i], host_bytes(operand, p->first), size));
        else
            TRY(gpu_slot_out(stage, slot, j->region[i], size));
    }
    return PARSEAL_OK;
}

static parseal_status run_pieces(job *j, gpu_stage *stage)
{
    piece under_way[GPU_SLOTS] = {{0, 0}};
    size_t next = 0;
    for (uint64_t first = j->done; first < j->count; first += j->piece) {
        const uint64_t left = j->count - first;
        gpu_slot *slot = &stage->slot[next];
        TRY(finish_piece(j, slot, &under_way[next]));
        const piece p = {first, left < j->piece ? left : j->piece};
        TRY(begin_piece(j, stage, slot, &p));
        under_way[next] = p;
        next = (next + 1) % stage->n;
    }
    for (size_t i = 0; i < stage->n; i++, next = (next + 1) % stage->n)
        TRY(finish_piece(j, &stage->slot[next], &under_way[next]));
    return PARSEAL_OK;
}

size_t gpu_operands_max(const gpu_device *d, uint32_t bits)
{
    const uint64_t n = gpu_slot_max(d) / bytes_of(bits, STEP);
    return n < SIZE_MAX ? (size_t)n : SIZE_MAX;
}

static parseal_status choose_piece(job *j)
{
    const uint64_t left = j->count - j->done;
    const uint64_t step = lay_out(j, STEP, NULL), all = lay_out(j, left, NULL);
    const uint64_t wanted = gpu_piece_size(all, j->max), room = wanted < step ? step : wanted;
    if (step > j->max)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY,
                            "%zu vectors do not fit the device's memory, not even in pieces",
                            j->n_operands);
    const uint64_t pieces_of_step = room / step;
    const uint64_t steps = left / STEP + (left % STEP != 0);
    j->piece = (pieces_of_step < steps ? pieces_of_step : steps) * STEP;
    return PARSEAL_OK;
}

/* Where there is no stream, lets s wait for what others have enqueued that uses the operands. What
 * has no bits for each element is a count, which its caller has made ready on the device's own. */
static parseal_status after_others(const job *j, const void *stream, const gpu_stream *s)
{
    bool any = false;
    for (size_t i = 0; i < j->n_operands && stream == NULL; i++) {
        const gpu_operand *operand = &j->operands[i];
        any =
            any || (!on_host(operand) && operand->bits > 0 && !gpu_is_own(j->device, operand->buf));
    }
    return any ? gpu_after_default(j->device, stream, s) : PARSEAL_OK;
}

/* Pieces go to other streams, which do not wait for the device's own, nor for the default one. */
static parseal_status finish_own(const job *j)
{
    const gpu_stream own = j->device->own;
    TRY(after_others(j, NULL, &own));
    return gpu_finish(j->device, &own);
}

static parseal_status try_staged(job *j, void *stream)
{
    gpu_stage stage;
    j->size = 0;
    TRY(choose_piece(j));
    const uint64_t left = j->count - j->done, largest = j->piece < left ? j->piece : left;
    j->size = lay_out(j, largest, j->region);
    TRY(gpu_stage_open(&stage, j->device, stream, j->size, j->max, (left - 1) / j->piece + 1));
    const parseal_status status = run_pieces(j, &stage);
    if (status == PARSEAL_ERR_NO_MEMORY)
        gpu_stage_drop(&stage);
    else
        gpu_stage_close(&stage);
    return status;
}

/* Returns whether the elements that are not done can be worked on again: what was begun has written
 * to slots, but not where their results belong. */
static bool can_try_again(const job *j)
{
    bool again = true;
    for (size_t i = 0; i < j->n_operands; i++)
        again = again && (!j->operands[i].write || (on_host(&j->operands[i]) && !j->direct[i]));
    return again || !j->begun;
}

/* Where memory is short, tries smaller pieces. If none will do, the first failure is the one to
 * report. */
static parseal_status run_staged(job *j, void *stream)
{
    if (stream == NULL)
        TRY(finish_own(j));
    for (size_t i = 0; i < j->n_operands; i++)
        j->direct[i] =
            on_host(&j->operands[i]) && gpu_is_direct(j->device, host_bytes(&j->operands[i], 0),
                                                      bytes_of(j->operands[i].bits, j->count));
    j->max = gpu_slot_max(j->device);
    parseal_status status = try_staged(j, stream);
    const parseal_error first = parseal_error_save();
    while (can_try_again(j) && gpu_try_smaller(status, j->size, &j->max))
        status = try_staged(j, stream);
    if (status == PARSEAL_ERR_NO_MEMORY)
        parseal_error_restore(&first);
    return status;
}

static parseal_status run(job *j, void *stream)
{
    gpu_stream s;
    bool staged = false;
    for (size_t i = 0; i < j->n_operands; i++)
        staged = staged || on_host(&j->operands[i]);
    if (staged)
        return run_staged(j, stream);
    TRY(gpu_stream_of(j->device, stream, &s));
    TRY(after_others(j, stream, &s));
    find_places(j, NULL, 0);
    parseal_status status = j->work(j->arg, &s, j->places, 0, j->count);
    if (stream != NULL)
        return gpu_uses_note(j->uses, &s, status);
    TRY(status);
    /* The work has begun and may have written, but PARSEAL_ERR_NO_MEMORY would promise that nothing
     * has changed. */
    status = gpu_finish(j->device, &s);
    return status == PARSEAL_ERR_NO_MEMORY ? PARSEAL_ERR_DEVICE : status;
}

parseal_status gpu_for_elements(const gpu_device *d, void *stream, gpu_uses *uses,
                                const gpu_operand *operands, size_t n_operands, uint64_t count,
                                gpu_work work, void *arg)
{
    job j = {.device = d,
             .operands = operands,
             .n_operands = n_operands,
             .count = count,
             .work = work,
             .arg = arg,
             .uses = uses != NULL ? uses : d->shared->uses};
    if (count == 0)
        return PARSEAL_OK;
    j.places = calloc(n_operands, sizeof *j.places);
    j.region = calloc(n_operands, sizeof *j.region);
    j.direct = calloc(n_operands, sizeof *j.direct);
    parseal_status status = PARSEAL_ERR_NO_MEMORY;
    if (j.places != NULL && j.region != NULL && j.direct != NULL)
        status = run(&j, stream);
    else
        (void)parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu vectors", n_operands);
    free(j.places);
    free(j.region);
    free(j.direct);
    return status;
}
