/* Handlers of what takes seeds: masks, and stochastic quantisation.
 *
 * Each comes three times, by where its seeds are: in operands, in a slot, and in a slot whose
 * stream is an operand. Only the last one may be captured in a command buffer of CUDA: the others
 * read operands on the host.
 */
#include "jax.h" /* Python.h must be the first */

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ seeds -- */

enum { ON_STACK = 16 };

/* Where the seeds of a call are. `begin` looks at the operands from `at` on, and says how many rows
 * there are, each with a mask of its own; `enter` has the set of one row until `leave`. */
typedef struct source source;

typedef struct {
    XLA_FFI_Error *(*begin)(const jax_call *c, int64_t at, source *s);
    XLA_FFI_Error *(*enter)(const jax_call *c, source *s, uint64_t row, const parseal_seeds **set);
    void (*leave)(source *s);
} source_kind;

struct source {
    uint64_t rows, k;
    jax_bytes operand, offsets; /* of all rows */
    int64_t first;
    parseal_seeds *made;
    parseal_ctx *ctx;     /* that the set was made in */
    uint32_t index, turn; /* of the slot */
};

/* Seeds in an operand, uint32[rows, k, 11]: words of the key, of the stream's number, and the sign.
 * One operand, not three: each costs more than making the set does. */
enum { SEED_WORDS = 11, SEED_BYTES = 4 * SEED_WORDS };

static XLA_FFI_Error *begin_operand(const jax_call *c, int64_t at, source *s)
{
    const XLA_FFI_Buffer *seeds = jax_arg(c, at);
    if (seeds->rank < 2)
        return jax_error(c, XLA_FFI_Error_Code_INVALID_ARGUMENT, "seeds: of rank %lld",
                         (long long)seeds->rank);
    s->rows = jax_rows(seeds, 2);
    s->k = (uint64_t)seeds->dims[seeds->rank - 2];
    return jax_read(c, "seeds", seeds, s->rows * s->k * SEED_BYTES, &s->operand);
}

static void fill_seed(const uint8_t *words, parseal_seed *seed)
{
    uint32_t stream[2];
    memcpy(seed->key, words, PARSEAL_SEEDBYTES);
    memcpy(stream, words + PARSEAL_SEEDBYTES, sizeof stream);
    memcpy(&seed->sign, words + PARSEAL_SEEDBYTES + sizeof stream, sizeof seed->sign);
    for (unsigned i = 0; i < PARSEAL_STREAMIDBYTES; i++)
        seed->stream_id[i] = (uint8_t)(stream[i / 4] >> 8 * (i % 4));
}

static XLA_FFI_Error *enter_operand(const jax_call *c, source *s, uint64_t row,
                                    const parseal_seeds **set)
{
    parseal_seed few[ON_STACK] = {{{0}, {0}, 0}}, *seeds = few;
    if (s->k > ON_STACK)
        seeds = malloc((size_t)s->k * sizeof *seeds); /* XLA has as many keys in memory */
    if (seeds == NULL)
        return jax_error(c, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED, "no memory for %llu seeds",
                         (unsigned long long)s->k);
    for (uint64_t i = 0; i < s->k; i++)
        fill_seed(s->operand.bytes + (row * s->k + i) * SEED_BYTES, &seeds[i]);
    const parseal_status status = parseal_seeds_create(&s->made, c->ctx, seeds, (size_t)s->k);
    wipe(seeds, (size_t)s->k * sizeof *seeds);
    if (seeds != few)
        free(seeds);
    *set = s->made;
    s->ctx = c->ctx;
    return jax_done(c, status);
}

static void leave_operand(source *s)
{
    parseal_seeds_destroy(s->made);
    s->made = NULL;
}

/* The set of a slot: the operand uint32[rows, 2] has its number and turn. */
static XLA_FFI_Error *begin_slot(const jax_call *c, int64_t at, source *s)
{
    const XLA_FFI_Buffer *tickets = jax_arg(c, at);
    s->rows = jax_rows(tickets, 1);
    return jax_read(c, "slot", tickets, s->rows * 8, &s->operand);
}

static XLA_FFI_Error *enter_found(const jax_call *c, source *s, jax_entered *entered)
{
    const char *why = jax_slot_enter(s->index, s->turn, entered);
    s->ctx = entered->ctx != NULL ? entered->ctx : c->ctx;
    return why == NULL
               ? NULL
               : jax_error(c, XLA_FFI_Error_Code_FAILED_PRECONDITION, "slot %u: %s", s->index, why);
}

static XLA_FFI_Error *enter_slot(const jax_call *c, source *s, uint64_t row,
                                 const parseal_seeds **set)
{
    jax_entered entered = {NULL, NULL, 0};
    const uint64_t ticket = jax_number(&s->operand, row);
    s->index = (uint32_t)ticket;
    s->turn = (uint32_t)(ticket >> 32);
    if (s->turn == JAX_ANY_TURN)
        return jax_error(c, XLA_FFI_Error_Code_FAILED_PRECONDITION, "slot: it was never filled");
    XLA_FFI_Error *error = enter_found(c, s, &entered);
    *set = entered.set;
    return error;
}

static void leave_slot(source *s)
{
    jax_slot_leave(s->index);
}

/* The set of a slot whose stream's number is an operand, uint32[2] on the device: it is copied to
 * where the set reads it, by work on the stream. */
static XLA_FFI_Error *begin_streamed(const jax_call *c, int64_t at, source *s)
{
    int64_t index = 0;
    (void)at;
    s->rows = 1;
    XLA_FFI_Error *error = jax_integer(c, "slot", &index);
    s->index = (uint32_t)index;
    s->turn = JAX_ANY_TURN;
    return error;
}

static XLA_FFI_Error *enter_streamed(const jax_call *c, source *s, uint64_t row,
                                     const parseal_seeds **set)
{
    jax_entered entered = {NULL, NULL, 0};
    XLA_FFI_Error *error = enter_found(c, s, &entered);
    if (error != NULL)
        return error;
    *set = entered.set;
    parseal_vec number = {{PARSEAL_BUF_CUDA, 0, (uintptr_t)entered.number, 0, 8}, 1};
    const parseal_buf given = jax_buf(c, jax_arg(c, c->frame->args.size - 1), row, 1);
    error = jax_done(c, parseal_unpack(c->ctx, 64, 8, &given, &number, c->stream));
    if (error != NULL)
        leave_slot(s);
    return error;
}

static const source_kind operand = {begin_operand, enter_operand, leave_operand};
static const source_kind in_slot = {begin_slot, enter_slot, leave_slot};
static const source_kind streamed = {begin_streamed, enter_streamed, leave_slot};

/* ---------------------------------------------------------------------------- rows of masks -- */

/* What is done with the seeds of one row. `first` is where the row begins in its mask. */
typedef struct {
    const parseal_seeds *set;
    parseal_ctx *ctx; /* of the set */
    uint64_t first, row, rows;
} row_of;

typedef XLA_FFI_Error *row_body(const jax_call *c, const void *what, const row_of *r);

/* Begins with the attribute `first`, and with the offsets that are added to it, uint32[rows, 2],
 * where they are operands: behind the seeds. */
static XLA_FFI_Error *begin(const jax_call *c, const source_kind *kind, int64_t at, source *s)
{
    XLA_FFI_Error *error = jax_integer(c, "first", &s->first);
    if (error == NULL)
        error = kind->begin(c, at, s);
    if (error == NULL && c->frame->args.size > at + 1)
        error = jax_read(c, "first", jax_arg(c, at + 1), s->rows * 8, &s->offsets);
    return error;
}

/* What is not in a row, as where there are none, would come out without a mask. */
static XLA_FFI_Error *check_rows(const jax_call *c, uint64_t rows)
{
    const uint64_t n = jax_elements(jax_ret(c, 0));
    if (rows == 0 ? n == 0 : n % rows == 0)
        return NULL;
    return jax_error(c, XLA_FFI_Error_Code_INVALID_ARGUMENT,
                     "seeds: of %llu rows, for a result of %llu elements", (unsigned long long)rows,
                     (unsigned long long)n);
}

static XLA_FFI_Error *each_row(const jax_call *c, const source_kind *kind, int64_t at,
                               row_body *body, const void *what)
{
    source s = {.rows = 0};
    XLA_FFI_Error *error = begin(c, kind, at, &s);
    if (error == NULL)
        error = check_rows(c, s.rows);
    for (uint64_t row = 0; row < s.rows && error == NULL; row++) {
        row_of r = {NULL, NULL, (uint64_t)s.first, row, s.rows};
        if (s.offsets.bytes != NULL) {
            const uint64_t offset = jax_number(&s.offsets, row);
            if (r.first + offset < offset)
                error = jax_error(c, XLA_FFI_Error_Code_INVALID_ARGUMENT, "first: above 2**64 - 1");
            r.first += offset;
        }
        if (error == NULL)
            error = kind->enter(c, &s, row, &r.set);
        r.ctx = s.ctx;
        if (error != NULL)
            break;
        error = body(c, what, &r);
        kind->leave(&s);
    }
    jax_release(&s.operand);
    jax_release(&s.offsets);
    return error;
}

/* ------------------------------------------------------------------------------------ masks -- */

typedef parseal_status mask_function(const parseal_seeds *, const parseal_ring *,
                                     const parseal_vec *, uint64_t, void *);

typedef struct {
    mask_function *function;
    parseal_ring ring;
} masking;

static XLA_FFI_Error *mask_row(const jax_call *c, const void *what, const row_of *r)
{
    const masking *m = what;
    const parseal_vec vec = jax_vec(c, jax_ret(c, 0), r->row, r->rows);
    return jax_done(c, m->function(r->set, &m->ring, &vec, r->first, c->stream));
}

/* After an error nothing that looks like a masked vector is left, nor the vector without a mask. */
static void clear(const jax_call *c, const XLA_FFI_Buffer *buffer)
{
    if (c->kind == PARSEAL_BUF_HOST)
        memset(buffer->data, 0, (size_t)(jax_elements(buffer) * jax_element_size(buffer)));
}

static XLA_FFI_Error *run_mask(const jax_call *c, const source_kind *kind, int64_t at,
                               mask_function *function)
{
    int64_t modulus = 0;
    const XLA_FFI_Buffer *out = jax_ret(c, 0);
    XLA_FFI_Error *error = jax_integer(c, "modulus", &modulus);
    if (error == NULL) {
        const masking m = {function, {(uint64_t)modulus, jax_element_size(out), 0}};
        error = each_row(c, kind, at, mask_row, &m);
    }
    if (error != NULL)
        clear(c, out);
    return error;
}

/* The operand acc and the result are one buffer: the program says so. */
static XLA_FFI_Error *masked(const jax_call *c, const source_kind *kind)
{
    if (jax_arg(c, 0)->data != jax_ret(c, 0)->data)
        return jax_error(c, XLA_FFI_Error_Code_INTERNAL, "acc and its result are two buffers");
    return run_mask(c, kind, 1, parseal_mask_apply);
}

static XLA_FFI_Error *masked_operand(const jax_call *c)
{
    return masked(c, &operand);
}

static XLA_FFI_Error *masked_slot(const jax_call *c)
{
    return masked(c, &in_slot);
}

static XLA_FFI_Error *masked_streamed(const jax_call *c)
{
    return masked(c, &streamed);
}

static XLA_FFI_Error *mask_operand(const jax_call *c)
{
    return run_mask(c, &operand, 0, parseal_mask_write);
}

static XLA_FFI_Error *mask_slot(const jax_call *c)
{
    return run_mask(c, &in_slot, 0, parseal_mask_write);
}

static XLA_FFI_Error *mask_streamed(const jax_call *c)
{
    return run_mask(c, &streamed, 0, parseal_mask_write);
}

/* ----------------------------------------------------------------------------- quantisation -- */

static XLA_FFI_Error *quantize_row(const jax_call *c, const void *what, const row_of *r)
{
    const parseal_vec x = jax_vec(c, jax_arg(c, 0), r->row, r->rows);
    const parseal_vec q = jax_vec(c, jax_ret(c, 0), r->row, r->rows);
    const parseal_buf count = jax_buf(c, jax_ret(c, 1), r->row, r->rows);
    return jax_done(c, parseal_quantize(r->ctx, what, &x, &q, r->set, r->first, &count, c->stream));
}

static XLA_FFI_Error *read_quant(const jax_call *c, int32_t rounding, parseal_quant *quant)
{
    int64_t bits = 0;
    const XLA_FFI_DataType dtype = jax_arg(c, 0)->dtype;
    quant->rounding = rounding;
    quant->element_size = jax_element_size(jax_ret(c, 0));
    quant->float_type = dtype == XLA_FFI_DataType_F32    ? PARSEAL_FLOAT32
                        : dtype == XLA_FFI_DataType_BF16 ? PARSEAL_BFLOAT16
                                                         : PARSEAL_FLOAT16;
    XLA_FFI_Error *error = jax_float(c, "clip", &quant->clip);
    if (error == NULL)
        error = jax_integer(c, "bits", &bits);
    quant->bits = (uint32_t)bits;
    return error;
}

static XLA_FFI_Error *quantize(const jax_call *c, const source_kind *kind)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    XLA_FFI_Error *error = read_quant(c, PARSEAL_ROUND_STOCHASTIC, &quant);
    if (error == NULL)
        error = each_row(c, kind, 1, quantize_row, &quant);
    if (error != NULL)
        clear(c, jax_ret(c, 0));
    return error;
}

static XLA_FFI_Error *quantize_operand(const jax_call *c)
{
    return quantize(c, &operand);
}

static XLA_FFI_Error *quantize_slot(const jax_call *c)
{
    return quantize(c, &in_slot);
}

static XLA_FFI_Error *quantize_streamed(const jax_call *c)
{
    return quantize(c, &streamed);
}

static XLA_FFI_Error *quantize_nearest(const jax_call *c)
{
    const row_of whole = {NULL, c->ctx, 0, 0, 1};
    parseal_quant quant = PARSEAL_QUANT_INIT;
    XLA_FFI_Error *error = read_quant(c, PARSEAL_ROUND_NEAREST, &quant);
    return error != NULL ? error : quantize_row(c, &quant, &whole);
}

/* ---------------------------------------------------------------------------------- targets -- */

JAX_TARGETS(masked, 0, 2, 3, 1, masked_operand)
JAX_TARGETS(masked_slot, 0, 2, 3, 1, masked_slot)
JAX_TARGET(masked_streamed, cuda, PARSEAL_BUF_CUDA, JAX_CAPTURABLE, 2, 2, 1, masked_streamed)
JAX_TARGETS(mask, 0, 1, 2, 1, mask_operand)
JAX_TARGETS(mask_slot, 0, 1, 2, 1, mask_slot)
JAX_TARGET(mask_streamed, cuda, PARSEAL_BUF_CUDA, JAX_CAPTURABLE, 1, 1, 1, mask_streamed)
JAX_TARGETS(quantize, 0, 2, 3, 2, quantize_operand)
JAX_TARGETS(quantize_slot, 0, 2, 3, 2, quantize_slot)
JAX_TARGET(quantize_streamed, cuda, PARSEAL_BUF_CUDA, JAX_CAPTURABLE, 2, 2, 2, quantize_streamed)
JAX_TARGETS(quantize_nearest, JAX_CAPTURABLE, 1, 1, 2, quantize_nearest)

const jax_row jax_mask_rows[] = {JAX_ROW(masked, cpu),
                                 JAX_ROW(masked, cuda),
                                 JAX_ROW(masked_slot, cpu),
                                 JAX_ROW(masked_slot, cuda),
                                 JAX_ROW(masked_streamed, cuda),
                                 JAX_ROW(mask, cpu),
                                 JAX_ROW(mask, cuda),
                                 JAX_ROW(mask_slot, cpu),
                                 JAX_ROW(mask_slot, cuda),
                                 JAX_ROW(mask_streamed, cuda),
                                 JAX_ROW(quantize, cpu),
                                 JAX_ROW(quantize, cuda),
                                 JAX_ROW(quantize_slot, cpu),
                                 JAX_ROW(quantize_slot, cuda),
                                 JAX_ROW(quantize_streamed, cuda),
                                 JAX_ROW(quantize_nearest, cpu),
                                 JAX_ROW(quantize_nearest, cuda)};
const size_t jax_mask_rows_n = sizeof jax_mask_rows / sizeof *jax_mask_rows;
