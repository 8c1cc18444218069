/* parseal.jax: what the files of the handlers share. A handler is a function that XLA calls while a
 * compiled program runs, in threads of its own and without Python: nothing here but jax.c and the
 * filling of slots may touch Python.
 *
 * XLA's C API of version 0.3, the oldest that is supported, is vendored; later releases of XLA take
 * handlers of it.
 */
#ifndef PARSEAL_PYTHON_JAX_H
#define PARSEAL_PYTHON_JAX_H

#include "core.h" /* Python.h must be the first */

#include <xla/ffi/api/c_api.h>

/* --------------------------------------------------------------------------------- handlers -- */

/* One call of a handler. */
typedef struct jax_call {
    const XLA_FFI_CallFrame *frame;
    const char *name; /* of the target, for texts */
    uint32_t kind;    /* PARSEAL_BUF_* of the operands and results */
    parseal_ctx *ctx;
    void *stream;
} jax_call;

/* What a handler does in the execution of a program: NULL, or the error. */
typedef XLA_FFI_Error *jax_body(const jax_call *c);

/* A target as XLA knows it. */
typedef struct {
    const char *name;
    uint32_t kind;                 /* PARSEAL_BUF_HOST: for the platform "cpu"; _CUDA: "CUDA" */
    XLA_FFI_Handler_Traits traits; /* what may be said of it in XLA's terms */
    int64_t args, more_args, rets; /* operands: from args to more_args; results */
    jax_body *body;
} jax_target;

/* A target as it is registered. */
typedef struct {
    const jax_target *target;
    XLA_FFI_Handler *handler;
} jax_row;

/* Answers XLA's question for the target's traits, or runs its body. */
XLA_FFI_Error *jax_run(const jax_target *target, XLA_FFI_CallFrame *frame);

/* JAX_TARGET defines the target `name`, "parseal_" and that, with the suffix of its platform, and
 * its handler. */
#define JAX_TARGET(name, suffix, kind, traits, args, more_args, rets, body)          \
    static const jax_target name##_##suffix = {"parseal_" #name, kind, traits, args, \
                                               more_args,        rets, body};        \
    static XLA_FFI_Error *handle_##name##_##suffix(XLA_FFI_CallFrame *frame)         \
    {                                                                                \
        return jax_run(&name##_##suffix, frame);                                     \
    }

/* The same for both platforms, where a command buffer of CUDA may hold it (traits) or not. */
#define JAX_TARGETS(name, traits, args, more_args, rets, body)              \
    JAX_TARGET(name, cpu, PARSEAL_BUF_HOST, 0, args, more_args, rets, body) \
    JAX_TARGET(name, cuda, PARSEAL_BUF_CUDA, traits, args, more_args, rets, body)

#define JAX_ROW(name, suffix)                      \
    {                                              \
        &name##_##suffix, handle_##name##_##suffix \
    }

#define JAX_CAPTURABLE XLA_FFI_HANDLER_TRAITS_COMMAND_BUFFER_COMPATIBLE

extern const jax_row jax_mask_rows[], jax_vector_rows[];
extern const size_t jax_mask_rows_n, jax_vector_rows_n;

/* ----------------------------------------------------------------------------------- frames -- */

/* An error of XLA's with a text of its own: the target's name comes first. */
XLA_FFI_Error *jax_error(const jax_call *c, XLA_FFI_Error_Code code, const char *format, ...);

/* NULL where a call of the library has succeeded, or its error with its text. */
XLA_FFI_Error *jax_done(const jax_call *c, parseal_status status);

const XLA_FFI_Buffer *jax_arg(const jax_call *c, int64_t i); /* there are so many: jax_run looked */
const XLA_FFI_Buffer *jax_ret(const jax_call *c, int64_t i);

/* The attribute of this name: a signed integer of 64 bits, or a float32. */
XLA_FFI_Error *jax_integer(const jax_call *c, const char *name, int64_t *value);
XLA_FFI_Error *jax_float(const jax_call *c, const char *name, float *value);

/* Elements of a buffer, and the product of its dimensions but the last `but`, its rows. */
uint64_t jax_elements(const XLA_FFI_Buffer *buffer);
uint64_t jax_rows(const XLA_FFI_Buffer *buffer, int64_t but);

/* Bytes of an element, 0 for types that no operation takes. */
uint32_t jax_element_size(const XLA_FFI_Buffer *buffer);

/* Row `row` of `rows` of a buffer, as a vector and as bytes. */
parseal_vec jax_vec(const jax_call *c, const XLA_FFI_Buffer *buffer, uint64_t row, uint64_t rows);
parseal_buf jax_buf(const jax_call *c, const XLA_FFI_Buffer *buffer, uint64_t row, uint64_t rows);

/* The bytes of a small operand in host memory: where they lie, or in a copy, which belongs to the
 * caller: jax_release wipes and frees it. A copy waits for the stream, and so cannot be captured.
 * `size` is what it must have, a multiple of 4. */
typedef struct {
    const uint8_t *bytes;
    uint8_t *copy;
    size_t size;
} jax_bytes;

XLA_FFI_Error *jax_read(const jax_call *c, const char *what, const XLA_FFI_Buffer *buffer,
                        uint64_t size, jax_bytes *to);
void jax_release(jax_bytes *bytes);

/* Number i of an operand of pairs of words, the low one first. */
uint64_t jax_number(const jax_bytes *words, uint64_t i);

/* --------------------------------------------------------------------------------- contexts -- */

/* Makes the contexts of the platform "cpu" known; called with Python, once. -1 with an exception
 * set. */
int jax_begin_contexts(core_state *state);

/* The context that handlers use: of the CPU, or of the CUDA device with this number. NULL: the
 * library has said why. */
parseal_ctx *jax_cpu_context(void);
parseal_ctx *jax_cuda_context(int32_t ordinal);

/* ------------------------------------------------------------------------------------ slots -- */

/* What is in a slot while a handler is inside. */
typedef struct {
    const parseal_seeds *set;
    parseal_ctx *ctx; /* that the set was made in, or NULL: closed since */
    uint64_t number;  /* address on the device of the stream's number that the set reads, or 0 */
} jax_entered;

enum { JAX_ANY_TURN = 0 }; /* the first turn is 1 */

/* Enters the slot `index`, whose seeds must be those that were put there in this turn. NULL, or why
 * they are not: then there is nothing to leave. */
const char *jax_slot_enter(uint32_t index, uint32_t turn, jax_entered *entered);
void jax_slot_leave(uint32_t index);

int add_jax_slots(PyObject *module);

#endif
