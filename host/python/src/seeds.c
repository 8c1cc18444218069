/* parseal.Seeds: sets of masks' seeds, of ChaCha20 and of fcp. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

static void destroy(void *set)
{
    parseal_seeds_destroy(set);
}

/* ------------------------------------------------------------------------ signs and streams -- */

/* Sign i of `signs`: a sequence of +1 and -1 that was made a tuple, or NULL for +1 everywhere. */
static int sign_at(PyObject *signs, size_t i, int32_t *sign)
{
    *sign = 1;
    if (signs == NULL)
        return 0;
    PyObject *given = PyTuple_GetItem(signs, (Py_ssize_t)i);
    PyObject *index = PyNumber_Index(given);
    int overflow = 0;
    const long value = index != NULL ? PyLong_AsLongAndOverflow(index, &overflow) : 0;
    const bool integer = index != NULL;
    Py_XDECREF(index);
    if (!integer) { /* perhaps a key in the wrong place, which no text may show */
        PyErr_Format(PyExc_TypeError, "signs[%zu]: needed is +1 or -1, not %R", i,
                     (PyObject *)Py_TYPE(given));
        return -1;
    }
    if (overflow != 0 || (value != 1 && value != -1)) {
        PyErr_Format(PyExc_ValueError, "signs[%zu]: needed is +1 or -1, not %R", i, given);
        return -1;
    }
    *sign = (int32_t)value;
    return 0;
}

/* An argument of one value for each seed as a tuple of n: NULL in *tuple where none was given. */
static int to_tuple_of(const char *name, PyObject *value, size_t n, PyObject **tuple)
{
    if (to_tuple(name, value, tuple) != 0)
        return -1;
    if (*tuple == NULL || (size_t)PyTuple_Size(*tuple) == n)
        return 0;
    PyErr_Format(PyExc_ValueError, "%s: %zd for %zu keys", name, PyTuple_Size(*tuple), n);
    Py_CLEAR(*tuple);
    return -1;
}

/* A stream's number as the 8 bytes that the format has, little-endian. */
static int put_stream(const char *name, PyObject *value, uint8_t *stream_id)
{
    uint64_t number = 0;
    if (need_u64(name, value, &number) != 0)
        return -1;
    for (unsigned i = 0; i < PARSEAL_STREAMIDBYTES; i++)
        stream_id[i] = (uint8_t)(number >> 8 * i);
    return 0;
}

/* --------------------------------------------------------------------------------- ChaCha20 -- */

typedef struct {
    byte_strings keys;
    PyObject *signs, *streams;                /* tuples, or NULL */
    uint8_t stream_id[PARSEAL_STREAMIDBYTES]; /* of all, where streams is NULL */
} seed_arguments;

static int take_seeds(core_state *state, seed_arguments *a, PyObject *const *v)
{
    memset(a, 0, sizeof *a);
    if (byte_strings_take(state, &a->keys, "keys", v[0], PARSEAL_SEEDBYTES) != 0)
        return -1;
    const bool one_stream = v[2] != NULL && is_integer(v[2]);
    if (to_tuple_of("signs", v[1], a->keys.n, &a->signs) == 0 &&
        (one_stream ? put_stream("streams", v[2], a->stream_id)
                    : to_tuple_of("streams", v[2], a->keys.n, &a->streams)) == 0)
        return 0;
    byte_strings_release(&a->keys);
    Py_XDECREF(a->signs);
    return -1;
}

static void release_seeds(seed_arguments *a)
{
    byte_strings_release(&a->keys);
    Py_XDECREF(a->signs);
    Py_XDECREF(a->streams);
}

static int fill_seed(core_state *state, const seed_arguments *a, size_t i, parseal_seed *seed)
{
    char name[48];
    PyOS_snprintf(name, sizeof name, "streams[%llu]", (unsigned long long)i);
    memcpy(seed->stream_id, a->stream_id, sizeof seed->stream_id);
    if (a->streams != NULL &&
        put_stream(name, PyTuple_GetItem(a->streams, (Py_ssize_t)i), seed->stream_id) != 0)
        return -1;
    if (sign_at(a->signs, i, &seed->sign) != 0)
        return -1;
    return byte_strings_copy(state, &a->keys, "keys", i, seed->key);
}

/* counting: of a set that counts its streams on the device, or NULL. */
static int create(core_state *state, const seed_arguments *a, parseal_ctx *ctx,
                  const parseal_counting *counting, parseal_seeds **set)
{
    const size_t n = a->keys.n;
    if (n > (SIZE_MAX >> 1) / sizeof(parseal_seed)) {
        raise_text(state, PARSEAL_ERR_SIZE, "keys: %zu are too many", n);
        return -1;
    }
    parseal_seed *seeds = PyMem_Calloc(n + 1, sizeof *seeds);
    if (seeds == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    int status = 0;
    for (size_t i = 0; i < n && status == 0; i++)
        status = fill_seed(state, a, i, &seeds[i]);
    if (status == 0) {
        status = done(state, counting != NULL
                                 ? parseal_seeds_create_counting(set, ctx, seeds, n, counting)
                                 : parseal_seeds_create(set, ctx, seeds, n));
    }
    wipe(seeds, n * sizeof *seeds);
    PyMem_Free(seeds);
    return status;
}

static PyObject *seeds_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s = SIGNATURE("Seeds", 3, 1, "keys", "signs", "streams", "ctx");
    PyObject *v[4];
    core_state *state = PyType_GetModuleState(type);
    seed_arguments a;
    parseal_ctx *ctx;
    parseal_seeds *set = NULL;
    if (take_constructor(&s, args, kwargs, v) != 0)
        return NULL;
    held *context = enter_context(state, v[3], &ctx);
    if (context == NULL)
        return NULL;
    PyObject *made = NULL;
    if (take_seeds(state, &a, v) == 0) {
        if (create(state, &a, ctx, NULL, &set) == 0)
            made = (PyObject *)held_new(type, set, destroy, (PyObject *)context, false);
        release_seeds(&a);
    }
    held_leave(context);
    return made;
}

PyObject *seeds_of(core_state *state, const parseal_seed *seeds, size_t n, PyObject *ctx_value)
{
    parseal_ctx *ctx;
    parseal_seeds *set = NULL;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return NULL;
    PyObject *made = NULL;
    if (done(state, parseal_seeds_create(&set, ctx, seeds, n)) == 0)
        made = (PyObject *)held_new(state->seeds, set, destroy, (PyObject *)context, false);
    held_leave(context);
    return made;
}

int one_seed(core_state *state, const char *name, PyObject *key, parseal_ctx *ctx,
             parseal_seeds **set)
{
    seed_arguments a = {.signs = NULL};
    if (byte_strings_take(state, &a.keys, name, key, PARSEAL_SEEDBYTES) != 0)
        return -1;
    int status = -1;
    if (a.keys.n == 1)
        status = create(state, &a, ctx, NULL, set);
    else
        raise_text(state, PARSEAL_ERR_SIZE, "%s: %zu keys, needed is one of 32 bytes", name,
                   a.keys.n);
    byte_strings_release(&a.keys);
    return status;
}

/* --------------------------------------------------------------------------------- counting -- */

/* The array of the number, which the set keeps: it is written to but where the graph does that. */
static int take_number(core_state *state, PyObject *value, array *a, parseal_counting *counting)
{
    a->buffer.obj = NULL;
    a->owner = NULL;
    if (value == NULL || value == Py_None)
        return 0;
    return array_take_buf(state, a, "number", value,
                          counting->graph_writes ? PARSEAL_DLPACK_READ : PARSEAL_DLPACK_WRITE,
                          &counting->number);
}

static PyObject *create_counting(core_state *state, PyObject *const *v, held *context,
                                 parseal_ctx *ctx, const parseal_counting *counting)
{
    PyObject *const seeds[] = {v[0], v[1], v[2]};
    seed_arguments a;
    parseal_seeds *set = NULL;
    held *made = NULL;
    if (take_seeds(state, &a, seeds) != 0)
        return NULL;
    if (create(state, &a, ctx, counting, &set) == 0)
        made = held_new(state->seeds, set, destroy, (PyObject *)context, false);
    release_seeds(&a);
    if (made != NULL && counting->number.kind != PARSEAL_BUF_NONE) {
        made->kept = v[4];
        Py_INCREF(made->kept);
    }
    return (PyObject *)made;
}

static PyObject *seeds_counting(PyObject *class, PyObject *const *args, Py_ssize_t n,
                                PyObject *names)
{
    static const signature s =
        SIGNATURE("counting", 2, 1, "keys", "signs", "stream", "step", "number", "ctx");
    PyObject *v[6];
    core_state *state = PyType_GetModuleState((PyTypeObject *)class);
    parseal_counting counting = PARSEAL_COUNTING_INIT;
    array number;
    parseal_ctx *ctx;
    counting.step = 1;
    if (take_arguments(&s, args, n, names, v) != 0 || to_u64("step", v[3], &counting.step) != 0)
        return NULL;
    counting.graph_writes = counting.step == 0;
    held *context = enter_context(state, v[5], &ctx);
    if (context == NULL)
        return NULL;
    PyObject *made = NULL;
    if (take_number(state, v[4], &number, &counting) == 0) {
        made = create_counting(state, v, context, ctx, &counting);
        array_release(&number);
    }
    held_leave(context);
    return made;
}

/* -------------------------------------------------------------------------------------- fcp -- */

/* Keys of 32 bytes, or of 1 to 17 as old clients have them. They are looked at where they lie: what
 * `arrays` holds keeps them there. */
typedef struct {
    PyObject *keys, *signs;
    array *arrays;
    parseal_fcp_key *rows;
    size_t n, taken;
} fcp_arguments;

static void release_fcp(fcp_arguments *a)
{
    for (size_t i = 0; i < a->taken; i++)
        array_release(&a->arrays[i]);
    PyMem_Free(a->arrays);
    PyMem_Free(a->rows);
    Py_XDECREF(a->keys);
    Py_XDECREF(a->signs);
}

static int take_fcp_key(core_state *state, fcp_arguments *a, size_t i)
{
    parseal_buf buf;
    PyObject *key = PyTuple_GetItem(a->keys, (Py_ssize_t)i);
    if (array_take_buf(state, &a->arrays[i], "keys", key, PARSEAL_DLPACK_READ, &buf) != 0)
        return -1;
    a->taken++;
    if (buf.kind != PARSEAL_BUF_HOST) {
        raise_text(state, PARSEAL_ERR_UNSUPPORTED, "keys[%zu]: needed in host memory", i);
        return -1;
    }
    a->rows[i].key = (const uint8_t *)buf.handle + buf.offset;
    a->rows[i].len = (size_t)buf.size;
    return sign_at(a->signs, i, &a->rows[i].sign);
}

static int take_fcp(core_state *state, fcp_arguments *a, PyObject *keys, PyObject *signs)
{
    memset(a, 0, sizeof *a);
    a->keys = PySequence_Tuple(keys);
    if (a->keys == NULL)
        return -1;
    a->n = (size_t)PyTuple_Size(a->keys);
    if (to_tuple_of("signs", signs, a->n, &a->signs) != 0) {
        release_fcp(a);
        return -1;
    }
    a->arrays = PyMem_Calloc(a->n + 1, sizeof *a->arrays);
    a->rows = PyMem_Calloc(a->n + 1, sizeof *a->rows);
    int status = 0;
    if (a->arrays == NULL || a->rows == NULL) {
        PyErr_NoMemory();
        status = -1;
    }
    for (size_t i = 0; i < a->n && status == 0; i++)
        status = take_fcp_key(state, a, i);
    if (status != 0)
        release_fcp(a);
    return status;
}

/* The set with the ring that its masks are made for. */
static PyObject *hold_fcp(core_state *state, parseal_seeds *set, held *context, uint64_t modulus)
{
    parseal_ring *ring = PyMem_Malloc(sizeof *ring);
    if (ring == NULL) {
        destroy(set);
        return PyErr_NoMemory();
    }
    *ring = (parseal_ring){modulus, modulus - 1 <= UINT32_MAX ? 4 : 8, 0};
    held *made = held_new(state->seeds, set, destroy, (PyObject *)context, false);
    if (made == NULL)
        PyMem_Free(ring);
    else
        made->extra = ring;
    return (PyObject *)made;
}

static PyObject *create_fcp(core_state *state, const parseal_fcp_mask *mask, PyObject *keys,
                            PyObject *signs, PyObject *context_value)
{
    parseal_ctx *ctx;
    parseal_seeds *set = NULL;
    fcp_arguments a;
    held *context = enter_context(state, context_value, &ctx);
    if (context == NULL)
        return NULL;
    PyObject *made = NULL;
    if (take_fcp(state, &a, keys, signs) == 0) {
        if (done(state, parseal_fcp_seeds_create(&set, ctx, mask, a.rows, a.n)) == 0)
            made = hold_fcp(state, set, context, mask->modulus);
        release_fcp(&a);
    }
    held_leave(context);
    return made;
}

static PyObject *seeds_fcp(PyObject *class, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s =
        SIGNATURE("fcp", 2, 1, "keys", "signs", "modulus", "n", "session", "name", "ctx");
    PyObject *v[7];
    core_state *state = PyType_GetModuleState((PyTypeObject *)class);
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    mask.modulus = UINT64_C(1) << 32;
    array session, name;
    if (take_arguments(&s, args, n, names, v) != 0)
        return NULL;
    if (v[3] == NULL) {
        PyErr_SetString(PyExc_TypeError, "fcp() missing required argument: 'n'");
        return NULL;
    }
    if (to_u64("modulus", v[2], &mask.modulus) != 0 || need_u64("n", v[3], &mask.n) != 0 ||
        bytes_take(state, &session, "session", given(v[4]), &mask.session_id,
                   &mask.session_id_len) != 0)
        return NULL;
    PyObject *made = NULL;
    if (bytes_take(state, &name, "name", given(v[5]), &mask.name, &mask.name_len) == 0) {
        made = create_fcp(state, &mask, v[0], v[1], v[6]);
        array_release(&name);
    }
    array_release(&session);
    return made;
}

const parseal_ring *seeds_ring(const held *seeds)
{
    return seeds->extra;
}

/* ------------------------------------------------------------------------------------- type -- */

static bool info_of(PyObject *self, parseal_set_info *info)
{
    const parseal_seeds *set = held_enter((held *)self);
    if (set == NULL)
        return false;
    const parseal_status status = parseal_seeds_info(set, info);
    held_leave((held *)self);
    return done(state_of(self), status) == 0;
}

static Py_ssize_t seeds_length(PyObject *self)
{
    parseal_set_info info = PARSEAL_SET_INFO_INIT;
    return info_of(self, &info) ? (Py_ssize_t)info.n : -1;
}

static PyObject *seeds_locked(PyObject *self, void *unused)
{
    (void)unused;
    parseal_set_info info = PARSEAL_SET_INFO_INIT;
    return info_of(self, &info) ? PyBool_FromLong(info.locked) : NULL;
}

static PyMethodDef methods[] = {
    FUNCTION(
        "fcp", seeds_fcp, METH_CLASS,
        "fcp($type, keys, signs=None, *, n, modulus=4294967296, session=b\"\", name=b\"\",\n"
        "    ctx=None)\n--\n\n"
        "Seeds whose masks are those of Google's fcp/secagg, bit for bit: AES-256-CTR, which is "
        "the\n"
        "faster one where the CPU has AES instructions.\n\n"
        "keys: a sequence of bytes-like keys of 32 bytes (or of 1 to 17, as old clients have "
        "them).\n"
        "signs: +1 (added) or -1 (subtracted) for each; None: all +1. n: elements of the whole\n"
        "vector. modulus: 2 to 2**62. session, name: bytes-like, of the session and the vector.\n\n"
        "Raises ArgError, SizeError, UnsupportedError (on a GPU, a modulus that is no power of "
        "two)."),
    FUNCTION(
        "counting", seeds_counting, METH_CLASS,
        "counting($type, keys, signs=None, *, stream=0, step=1, number=None, ctx=None)\n--\n\n"
        "Seeds whose stream's number is counted on the device (CUDA), for calls that a CUDA graph\n"
        "replays: each call and each replay takes the next streams, so no mask comes twice.\n\n"
        "keys, signs: as of Seeds. stream: the number of the first call; it grows by `step` with\n"
        "  each. number: 8 bytes of the device, aligned to 8, which receive the number that a\n"
        "  call has used; the set keeps the array. step=0: nobody counts, but each call takes the\n"
        "  number that it finds in `number`, which the graph writes anew in each replay.\n\n"
        "Calls take arrays of the device alone, and follow each other, on one stream or on "
        "streams\n"
        "that wait for each other. When the numbers are used up a call leaves zeros, and 2**64 - "
        "1\n"
        "in `number`.\n\n"
        "Raises ArgError, SizeError, UnsupportedError (another backend than CUDA)."),
    HELD_METHODS,
    {NULL, NULL, 0, NULL}};

static PyGetSetDef getters[] = {
    {"locked", seeds_locked, NULL,
     "True where the set lies in memory that is never written to a swap device.", NULL},
    HELD_CTX,
    {NULL, NULL, NULL, NULL, NULL}};

static const char seeds_doc[] =
    "Seeds(keys, signs=None, streams=None, *, ctx=None)\n--\n\n"
    "Seeds of masks, in guarded memory; len() says how many. Masks are ChaCha20 keystream "
    "expanded\n"
    "to elements of a ring, exactly uniform; element i does not depend on the others.\n\n"
    "keys: a sequence of bytes-like keys of 32 bytes, or one bytes-like object with all of them, "
    "one\n"
    "  after another. They are copied, and may be wiped at once.\n"
    "signs: +1 (the mask is added) or -1 (subtracted) for each; None: all +1.\n"
    "streams: the number of the stream under each key, 0 .. 2**64 - 1, such as the round's; or "
    "one\n"
    "  number for all; None: 0.\n\n"
    "NEVER use a (key, stream) pair for two vectors. Any number of threads may use a set. It is\n"
    "wiped when it is closed or goes.\n\nRaises ValueError, SizeError, NoMemoryError.";

static PyType_Slot slots[] = {SLOT(Py_tp_new, seeds_new),   SLOT(Py_tp_dealloc, held_dealloc),
                              SLOT(Py_tp_methods, methods), SLOT(Py_tp_members, held_members),
                              SLOT(Py_tp_getset, getters),  SLOT(Py_sq_length, seeds_length),
                              SLOT(Py_tp_doc, seeds_doc),   {0, NULL}};

static PyType_Spec spec = {"parseal.Seeds", sizeof(held), 0, Py_TPFLAGS_DEFAULT, slots};

int add_seeds(PyObject *module)
{
    return add_type(module, &spec, &state_of_module(module)->seeds);
}
