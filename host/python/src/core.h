/* The module parseal._core: what its files share. It binds the public headers for Python and has no
 * arithmetic of its own.
 *
 * CPython's limited API of 3.11, so that one binary serves every later version; free-threaded
 * builds of 3.13 and 3.14 have no limited API and get a build of their own.
 */
#ifndef PARSEAL_PYTHON_CORE_H
#define PARSEAL_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "parseal/dlpack.h"
#include "parseal/fcp.h"
#include "parseal/parseal.h"

/* Calls that go over more bytes than this let other Python threads run meanwhile. */
enum { RELEASE_ABOVE = 4096 };

/* ---------------------------------------------------------------------- state of the module -- */

enum { STATUSES = 12, WAYS = 64 };

struct way; /* how arrays of one type are taken (array.c) */

typedef struct {
    PyObject *errors[STATUSES]; /* by the status, negated; errors[0] is parseal.Error */
    PyTypeObject *context, *ring, *quant, *seeds, *keys, *aggregator, *graph, *sealed;
    PyTypeObject *need, *impl;         /* tuples with names */
    PyObject *_Atomic default_context; /* made at its first use */
    struct way *_Atomic ways[WAYS];
    PyObject *name_exchange, *name_dlpack;
    PyObject *no_arguments, *max_version;
} core_state;

core_state *state_of_module(PyObject *module);
core_state *state_of(PyObject *object); /* of a type of this module */

/* Each adds its types and functions to the module; -1 with an exception set. */
int add_errors(PyObject *module);
int add_arrays(PyObject *module);
int add_context(PyObject *module);
int add_ring(PyObject *module);
int add_quant(PyObject *module);
int add_seeds(PyObject *module);
int add_mask(PyObject *module);
int add_vectors(PyObject *module);
int add_keys(PyObject *module);
int add_aead(PyObject *module);
int add_sealed(PyObject *module);
int add_aggregator(PyObject *module);
int add_secagg(PyObject *module);
int add_pairs(PyObject *module);
int add_shares(PyObject *module);
int add_impls(PyObject *module);
int add_jax(PyObject *module);

/* A function or a string as Python's slots hold them: ISO C has no conversion but this. */
#define SLOT(id, what)                \
    {                                 \
        id, (void *)(uintptr_t)(what) \
    }

/* A function that takes METH_FASTCALL | METH_KEYWORDS as methods hold it. */
#define FUNCTION(name, function, flags, doc)                                                      \
    {                                                                                             \
        name, (PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS | flags, doc \
    }

/* Makes a type of the module and adds it under its name; *type keeps a reference. */
int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **type);

/* ----------------------------------------------------------------------------------- errors -- */

/* Sets the exception that belongs to a failed call, with the library's text. Returns NULL. */
PyObject *raise_status(core_state *state, parseal_status status);

/* Sets the exception of `status` with a text of its own, as PyErr_Format does. Returns NULL. */
PyObject *raise_text(core_state *state, parseal_status status, const char *format, ...);

/* Sets AuthError with the library's text and `verdicts` as its attribute. Returns NULL. */
PyObject *raise_verdicts(core_state *state, PyObject *verdicts);

/* 0 where the call has succeeded, else -1 with its exception set. */
int done(core_state *state, parseal_status status);

/* What is called differs from function to function, so it is a macro: calls over many bytes let
 * other threads run. */
/* clang-format off */
#define CALL(status, bytes, call)       \
    do {                                \
        if ((bytes) <= RELEASE_ABOVE) { \
            (status) = (call);          \
        } else {                        \
            Py_BEGIN_ALLOW_THREADS      \
            (status) = (call);          \
            Py_END_ALLOW_THREADS        \
        }                               \
    } while (0)
/* clang-format on */

/* -------------------------------------------------------------------------------- arguments -- */

/* What a function takes: `names` are those of its n parameters, in order, the first `positional` of
 * which may be given without a name, and the first `required` of which must be given. */
typedef struct {
    const char *function;
    int positional, required, n;
    const char *names[8];
} signature;

#define SIGNATURE(function_, positional_, required_, ...)                             \
    {                                                                                 \
        function_, positional_, required_,                                            \
            (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)), \
        {                                                                             \
            __VA_ARGS__                                                               \
        }                                                                             \
    }

/* Sorts what METH_FASTCALL | METH_KEYWORDS hands over into values[s->n], borrowed references, NULL
 * where nothing was given. -1 with TypeError set. */
int take_arguments(const signature *s, PyObject *const *args, Py_ssize_t n, PyObject *names,
                   PyObject **values);

/* The same for a tuple and a dictionary, as constructors get them. */
int take_constructor(const signature *s, PyObject *args, PyObject *kwargs, PyObject **values);

/* Conversions of one argument; NULL and None leave *to as it is. -1 with an exception that names
 * the argument. */
int to_u64(const char *name, PyObject *value, uint64_t *to);
int to_u32(const char *name, PyObject *value, uint32_t *to);
int to_bool(const char *name, PyObject *value, bool *to);

/* The same of what cannot be left out, such as the items of a sequence: None is refused. */
int need_u64(const char *name, PyObject *value, uint64_t *to);
int need_u32(const char *name, PyObject *value, uint32_t *to);

/* Whether a value is one integer, and no sequence of them: arrays have __index__ as well, which
 * refuses all but those of one element. */
bool is_integer(PyObject *value);

/* A string's UTF-8, which lives as long as the string. */
int to_text(const char *name, PyObject *value, const char **to);

/* NULL where an argument was left out or is None, else the argument. */
PyObject *given(PyObject *value);

/* Any iterable as a tuple of the call's own, which no other thread changes; NULL in *tuple where
 * `value` is NULL or None. */
int to_tuple(const char *name, PyObject *value, PyObject **tuple);

/* Wipes what held a secret. */
void wipe(void *p, size_t size);

/* -------------------------------------------------------------------- objects that are held -- */

/* A Python object that holds one of the library's. Calls enter and leave it; close() and the end of
 * the Python object destroy what it holds when the last call has left it. */
typedef struct {
    PyObject_HEAD
    _Atomic uintptr_t use; /* twice the calls that are inside, and 1 once it is closed */
    void *object;
    void (*destroy)(void *object);
    PyObject *ctx;          /* the Context that it was made from, or NULL */
    PyThread_type_lock one; /* of objects that take one call at a time, or NULL */
    _Atomic long inside;    /* the process whose thread has `one`, or 0 */
    void *extra;            /* memory of the type's own, freed with the object, or NULL */
    PyObject *kept;         /* what must live as long, or NULL */
    PyObject *weak;         /* Python's list of the weak references to it */
} held;

/* A new object of `type` that holds `object`, which is destroyed if there is no memory for it.
 * ctx may be NULL. one_at_a_time: held_enter waits for the call that is inside. */
held *held_new(PyTypeObject *type, void *object, void (*destroy)(void *), PyObject *ctx,
               bool one_at_a_time);

/* The library's object, for one call, or NULL with ValueError set, as it has been closed, or with
 * RuntimeError: in a child of fork, as a thread of the parent was inside. */
void *held_enter(held *h);
void held_leave(held *h);

/* The same in threads that Python does not know: NULL without an exception if it has been closed.
 * Not for objects that take one call at a time. */
void *held_try_enter(held *h);
void held_leave_without_python(held *h);

void held_dealloc(PyObject *self);
PyObject *held_close(PyObject *self, PyObject *unused);
PyObject *held_return_self(PyObject *self, PyObject *unused); /* __enter__ */
PyObject *held_exit(PyObject *self, PyObject *args);          /* __exit__ */

extern PyMemberDef held_members[]; /* of types that weak references may point to */

extern const char held_close_doc[], held_enter_doc[], held_exit_doc[];

#define HELD_METHODS                                                  \
    {"close", held_close, METH_NOARGS, held_close_doc},               \
        {"__enter__", held_return_self, METH_NOARGS, held_enter_doc}, \
    {                                                                 \
        "__exit__", held_exit, METH_VARARGS, held_exit_doc            \
    }

/* The Context that an object was made in, as an attribute of its type. */
PyObject *held_get_ctx(PyObject *self, void *unused);

#define HELD_CTX                                                      \
    {                                                                 \
        "ctx", held_get_ctx, NULL, "The Context that it is in.", NULL \
    }

/* The argument as an object of `type`; NULL with TypeError that names it. Borrowed. */
held *to_held(const char *name, PyObject *value, PyTypeObject *type);

/* The Context of an argument `ctx`, or the default one where it is NULL or None: entered, and to be
 * left. NULL with an exception set. */
held *enter_context(core_state *state, PyObject *value, parseal_ctx **ctx);

/* ----------------------------------------------------------------------------------- arrays -- */

enum { ARRAY_DIMS = 16 };

/* An array of any framework, for the time of one call (array.c). */
typedef struct {
    DLTensor tensor;
    const char *name; /* of the argument */
    void *stream;     /* of the framework, where it says which it works on; else NULL */
    bool known_stream;
    Py_buffer buffer; /* released with the array where buffer.obj is not NULL */
    PyObject *owner;  /* a capsule or an array made for the call, or NULL */
    int64_t strides[ARRAY_DIMS];
} array;

/* Takes `value` for reading, or for writing as well: PARSEAL_DLPACK_READ or PARSEAL_DLPACK_WRITE.
 * -1 with an exception that names the argument; then nothing is to be released. */
int array_take(core_state *state, array *a, const char *name, PyObject *value, int32_t access);
void array_release(array *a);

/* The elements of an array that was taken: -1 with an exception set. */
int array_vec(core_state *state, const array *a, uint32_t element_size, parseal_vec *vec);
int array_floats(core_state *state, const array *a, int32_t *float_type, parseal_vec *vec);
int array_buf(core_state *state, const array *a, parseal_buf *buf);

/* Takes an array of integers of 4 or 8 bytes, or of the ring's where one is given. */
int array_take_vec(core_state *state, array *a, const char *name, PyObject *value, int32_t access,
                   const parseal_ring *ring, parseal_vec *vec);

/* Takes the bytes of an array, or of any bytes-like object. */
int array_take_buf(core_state *state, array *a, const char *name, PyObject *value, int32_t access,
                   parseal_buf *buf);

uint32_t array_element_size(const array *a);

/* The stream on which a call with these arrays is made: NULL where all lie in host memory, or where
 * a framework does not say which stream it works on: then the call has finished when it returns.
 * -1 with an exception set: two streams. */
typedef struct {
    void *stream;
    bool known, device;
} streams;
int stream_of(core_state *state, streams *s, const array *a);

/* A new array of NumPy's, of an integer n elements or of the shape that `like` has. */
PyObject *new_array(const char *name, uint64_t n, const array *like, const char *dtype);

/* ----------------------------------------------------------------------------------- values -- */

typedef struct {
    PyObject_HEAD
    parseal_ring ring;
} ring_object;

typedef struct {
    PyObject_HEAD
    parseal_quant quant; /* float_type and element_size are the call's */
} quant_object;

/* The ring of an argument, or the integers mod 2^(8 * element_size) where it is NULL or None. */
int to_ring(core_state *state, PyObject *value, uint32_t element_size, parseal_ring *ring);
int to_quant(core_state *state, PyObject *value, parseal_quant *quant);

/* The ring that the masks of a seed set are made for (fcp's), or NULL where any ring will do. */
const parseal_ring *seeds_ring(const held *seeds);

/* A new Seeds of n seeds, in a Context or the default one. NULL with an exception set. */
PyObject *seeds_of(core_state *state, const parseal_seed *seeds, size_t n, PyObject *ctx_value);

/* Makes a set of one seed of a key of 32 bytes, for a rounding. */
int one_seed(core_state *state, const char *name, PyObject *key, parseal_ctx *ctx,
             parseal_seeds **set);

/* ------------------------------------------------------------------------------------- keys -- */

/* The number of the algorithm with this name, "aes256gcm" or as the library has it, "aes-256-gcm".
 * -1 with ValueError set. */
int to_alg(const char *name, int32_t *alg);

/* The sizes that the keys of a Keys have. */
const parseal_alg *keys_alg(const held *keys);

/* -------------------------------------------------------------------------------- sequences -- */

/* n byte strings of one length each: a sequence of bytes-like objects, or one bytes-like object
 * with all of them, one after another. */
typedef struct {
    PyObject *sequence; /* owned; NULL where `whole` has them all */
    array whole;
    const uint8_t *bytes;
    size_t n, size; /* size of each, in bytes */
} byte_strings;

int byte_strings_take(core_state *state, byte_strings *b, const char *name, PyObject *value,
                      size_t size);

/* Copies string i, of exactly b->size bytes, to `to`. */
int byte_strings_copy(core_state *state, const byte_strings *b, const char *name, size_t i,
                      void *to);
void byte_strings_release(byte_strings *b);

/* All n strings, one after another: where they lie, or a copy, which *copy then is. The caller
 * wipes and frees *copy. NULL with an exception set. */
const uint8_t *byte_strings_all(core_state *state, const byte_strings *b, const char *name,
                                uint8_t **copy);

/* The bytes of one bytes-like object or array in host memory, of any length; none where `value` is
 * NULL. *bytes is good until `a` is released. */
int bytes_take(core_state *state, array *a, const char *name, PyObject *value, const void **bytes,
               size_t *size);

/* Copies the bytes of one such object, which has exactly `size`. */
int bytes_copy(core_state *state, const char *name, PyObject *value, void *to, size_t size);

/* Many arrays, taken for one call (many.c). */
typedef struct {
    PyObject *values; /* a tuple of its own */
    const char *name; /* of the argument */
    char item[48];    /* the name of the one that is taken */
    size_t n, taken;
    array *arrays;
    parseal_vec *vecs; /* of the arrays, or */
    parseal_buf *bufs;
} many;

/* Begins with a list or a tuple of arrays. -1 with an exception set: then, as where all is zero,
 * values is NULL, and there is nothing to release. */
int many_begin(many *m, const char *name, PyObject *values);
void many_release(many *m);

/* Take all of them for reading: as vectors of the ring, or as bytes. */
int many_take_vecs(core_state *state, many *m, const parseal_ring *ring, streams *stream);
int many_take_bufs(core_state *state, many *m, streams *stream);

/* Takes all of them as bytes in host memory; those of devices are refused. */
int many_take_host(core_state *state, many *m, int32_t access);

#endif
