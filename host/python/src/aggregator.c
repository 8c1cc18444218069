/* parseal.Aggregator: a server's sum of clients' updates. */
#include "core.h" /* Python.h must be the first */

#include "updates.h"

static void destroy(void *aggregator)
{
    parseal_aggregator_destroy(aggregator);
}

/* What the sum is made of: the aggregator itself does not say. */
typedef struct {
    parseal_ring ring;
    uint64_t dim;
} shape;

static const shape *shape_of(PyObject *self)
{
    return ((const held *)self)->extra;
}

static PyObject *hold(PyTypeObject *type, parseal_aggregator *aggregator, const shape *known,
                      held *context)
{
    shape *extra = PyMem_Malloc(sizeof *extra);
    if (extra == NULL) {
        destroy(aggregator);
        return PyErr_NoMemory();
    }
    *extra = *known;
    held *made = held_new(type, aggregator, destroy, (PyObject *)context, true);
    if (made == NULL)
        PyMem_Free(extra);
    else
        made->extra = extra;
    return (PyObject *)made;
}

static int to_options(core_state *state, PyObject *const *v, parseal_aggregator_options *options)
{
    parseal_quant quant;
    if (need_u64("dim", v[0], &options->dim) != 0 || to_ring(state, v[1], 4, &options->ring) != 0 ||
        to_u32("bits", v[2], &options->bits) != 0)
        return -1;
    if (given(v[3]) == NULL)
        return 0;
    if (to_quant(state, v[3], &quant) != 0)
        return -1;
    options->quant_bits = quant.bits;
    options->quant_clip = quant.clip;
    return 0;
}

static PyObject *aggregator_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s = SIGNATURE("Aggregator", 2, 1, "dim", "ring", "bits", "quant", "ctx");
    PyObject *v[5];
    core_state *state = PyType_GetModuleState(type);
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_aggregator *aggregator = NULL;
    parseal_ctx *ctx;
    if (take_constructor(&s, args, kwargs, v) != 0 || to_options(state, v, &options) != 0)
        return NULL;
    held *context = enter_context(state, v[4], &ctx);
    if (context == NULL)
        return NULL;
    parseal_status status;
    PyObject *made = NULL;
    Py_BEGIN_ALLOW_THREADS
    status = parseal_aggregator_create(&aggregator, ctx, &options);
    Py_END_ALLOW_THREADS
    if (done(state, status) == 0) {
        const shape known = {options.ring, options.dim};
        made = hold(type, aggregator, &known, context);
    }
    held_leave(context);
    return made;
}

/* ----------------------------------------------------------------------------------- adding -- */

static parseal_status call_add(parseal_aggregator *aggregator, const parseal_keys *set,
                               const updates *u)
{
    if (u->keys == NULL)
        return parseal_aggregator_add_plain(aggregator, u->rows, u->n, NULL);
    return parseal_aggregator_add_sealed(aggregator, set, u->rows, u->n, NULL);
}

/* Keys are entered first: who waits for the aggregator holds nothing that others wait for. */
static int run_add(PyObject *self, const updates *u, parseal_status *status)
{
    const parseal_keys *set = NULL;
    if (u->keys != NULL) {
        set = held_enter(u->keys);
        if (set == NULL)
            return -1;
    }
    parseal_aggregator *aggregator = held_enter((held *)self);
    if (aggregator != NULL) {
        CALL(*status, u->bytes, call_add(aggregator, set, u));
        held_leave((held *)self);
    }
    if (u->keys != NULL)
        held_leave(u->keys);
    return aggregator != NULL ? 0 : -1;
}

static PyObject *add(PyObject *self, held *keys, PyObject *list, bool strict)
{
    core_state *state = state_of(self);
    updates u;
    parseal_status status = PARSEAL_OK;
    PyObject *verdicts = NULL;
    if (updates_take(state, &u, keys, list) == 0 && run_add(self, &u, &status) == 0) {
        if (status == PARSEAL_OK || status == PARSEAL_ERR_AUTH)
            verdicts = updates_verdicts(&u);
        else
            raise_status(state, status);
    }
    updates_release(&u);
    if (verdicts != NULL && status == PARSEAL_ERR_AUTH && strict) {
        raise_verdicts(state, verdicts);
        Py_CLEAR(verdicts);
    }
    return verdicts;
}

static PyObject *add_one(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("add", 2, 2, "client", "update");
    PyObject *v[2];
    if (take_arguments(&s, args, n, names, v) != 0)
        return NULL;
    PyObject *list = Py_BuildValue("[(OO)]", v[0], v[1]);
    PyObject *verdicts = list != NULL ? add(self, NULL, list, true) : NULL;
    Py_XDECREF(list);
    if (verdicts == NULL)
        return NULL;
    Py_DECREF(verdicts);
    Py_RETURN_NONE;
}

static PyObject *add_many(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("add_many", 1, 1, "updates", "strict");
    PyObject *v[2];
    bool strict = true;
    if (take_arguments(&s, args, n, names, v) != 0 || to_bool("strict", v[1], &strict) != 0)
        return NULL;
    return add(self, NULL, v[0], strict);
}

static PyObject *add_sealed_updates(PyObject *self, PyObject *const *args, Py_ssize_t n,
                                    PyObject *names)
{
    static const signature s = SIGNATURE("add_sealed", 2, 2, "keys", "updates", "strict");
    PyObject *v[3];
    bool strict = true;
    if (take_arguments(&s, args, n, names, v) != 0 || to_bool("strict", v[2], &strict) != 0)
        return NULL;
    held *keys = to_held("keys", v[0], state_of(self)->keys);
    return keys != NULL ? add(self, keys, v[1], strict) : NULL;
}

static PyObject *unmask(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("unmask", 1, 1, "seeds");
    PyObject *v[1];
    core_state *state = state_of(self);
    if (take_arguments(&s, args, n, names, v) != 0)
        return NULL;
    held *seeds = to_held("seeds", v[0], state->seeds);
    const parseal_seeds *set = seeds != NULL ? held_enter(seeds) : NULL;
    if (set == NULL)
        return NULL;
    parseal_status status = PARSEAL_OK;
    parseal_aggregator *aggregator = held_enter((held *)self);
    if (aggregator != NULL) {
        CALL(status, shape_of(self)->dim, parseal_aggregator_unmask(aggregator, set));
        held_leave((held *)self);
    }
    held_leave(seeds);
    if (aggregator == NULL || done(state, status) != 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------------------------- results -- */

typedef parseal_status (*result_function)(const parseal_aggregator *, const parseal_vec *);

static parseal_status call_mean(const parseal_aggregator *aggregator, const parseal_vec *mean)
{
    return parseal_aggregator_mean(aggregator, mean, NULL);
}

static int take_sum(core_state *state, const array *a, const shape *known, parseal_vec *vec)
{
    return array_vec(state, a, known->ring.element_size, vec);
}

static int take_mean(core_state *state, const array *a, const shape *known, parseal_vec *vec)
{
    int32_t float_type = 0;
    (void)known;
    if (array_floats(state, a, &float_type, vec) != 0)
        return -1;
    if (float_type == PARSEAL_FLOAT32)
        return 0;
    raise_text(state, PARSEAL_ERR_ARG, "out: float32 is needed");
    return -1;
}

typedef int (*take_function)(core_state *, const array *, const shape *, parseal_vec *);

/* Results are written on a stream of the library's own: what the framework has put on its stream
 * before, such as what fills `out` with zeros, must have been done. A copy to the host waits. */
static int wait_for_framework(core_state *state, PyObject *self, const array *a,
                              const parseal_vec *out)
{
    streams s = {NULL, false, false};
    uint32_t word;
    const parseal_vec to = parseal_host_vec(&word, 1, sizeof word);
    parseal_buf from = out->buf;
    if (stream_of(state, &s, a) != 0)
        return -1;
    if (s.stream == NULL)
        return 0;
    held *context = (held *)((held *)self)->ctx;
    parseal_ctx *ctx = held_enter(context);
    if (ctx == NULL)
        return -1;
    parseal_status status;
    from.size = sizeof word;
    Py_BEGIN_ALLOW_THREADS
    status = parseal_unpack(ctx, 32, sizeof word, &from, &to, s.stream);
    Py_END_ALLOW_THREADS
    held_leave(context);
    return done(state, status);
}

static int run_result(PyObject *self, result_function function, take_function take_out,
                      PyObject *out)
{
    core_state *state = state_of(self);
    array a;
    parseal_vec vec;
    if (array_take(state, &a, "out", out, PARSEAL_DLPACK_WRITE) != 0)
        return -1;
    int result = -1;
    if (take_out(state, &a, shape_of(self), &vec) == 0 &&
        wait_for_framework(state, self, &a, &vec) == 0) {
        const parseal_aggregator *aggregator = held_enter((held *)self);
        if (aggregator != NULL) {
            parseal_status status;
            CALL(status, vec.buf.size, function(aggregator, &vec));
            held_leave((held *)self);
            result = done(state, status);
        }
    }
    array_release(&a);
    return result;
}

static PyObject *result(PyObject *self, result_function function, take_function take_out,
                        PyObject *out, const char *dtype)
{
    out = given(out);
    if (out != NULL)
        Py_INCREF(out);
    else
        out = new_array("out", shape_of(self)->dim, NULL, dtype);
    if (out != NULL && run_result(self, function, take_out, out) != 0)
        Py_CLEAR(out);
    return out;
}

static PyObject *sum(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("sum", 1, 0, "out");
    PyObject *v[1];
    if (take_arguments(&s, args, n, names, v) != 0)
        return NULL;
    return result(self, parseal_aggregator_sum, take_sum, v[0],
                  shape_of(self)->ring.element_size == 4 ? "uint32" : "uint64");
}

static PyObject *mean(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("mean", 1, 0, "out");
    PyObject *v[1];
    if (take_arguments(&s, args, n, names, v) != 0)
        return NULL;
    return result(self, call_mean, take_mean, v[0], "float32");
}

static PyObject *export(PyObject *self, PyObject *unused)
{
    (void)unused;
    const parseal_aggregator *aggregator = held_enter((held *)self);
    if (aggregator == NULL)
        return NULL;
    uint64_t size = 0;
    PyObject *made = NULL;
    parseal_status status = parseal_aggregator_export_size(aggregator, &size);
    if (status == PARSEAL_OK) {
        made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
        if (made != NULL)
            CALL(status, size,
                 parseal_aggregator_export(aggregator, PyBytes_AsString(made), (size_t)size));
    }
    held_leave((held *)self);
    if (done(state_of(self), status) != 0)
        Py_CLEAR(made);
    return made;
}

/* A number of `size` bytes of an export's header, which the library has found right. */
static uint64_t field(const uint8_t *exported, size_t at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = size; i-- > 0;)
        number = number << 8 | exported[at + i];
    return number;
}

static PyObject *import(core_state *state, const uint8_t *bytes, size_t size, PyObject *ctx_value)
{
    parseal_ctx *ctx;
    parseal_aggregator *aggregator = NULL;
    PyObject *made = NULL;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return NULL;
    parseal_status status;
    CALL(status, size, parseal_aggregator_import(&aggregator, ctx, bytes, size));
    if (done(state, status) == 0) {
        const shape known = {{field(bytes, 16, 8), (uint32_t)field(bytes, 12, 4), 0},
                             field(bytes, 24, 8)};
        made = hold(state->aggregator, aggregator, &known, context);
    }
    held_leave(context);
    return made;
}

static PyObject *load(PyObject *class, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("load", 1, 1, "exported", "ctx");
    PyObject *v[2];
    core_state *state = PyType_GetModuleState((PyTypeObject *)class);
    array a;
    const void *bytes;
    size_t size;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        bytes_take(state, &a, "exported", v[0], &bytes, &size) != 0)
        return NULL;
    PyObject *made = import(state, bytes, size, v[1]);
    array_release(&a);
    return made;
}

static PyObject *merge(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("merge", 1, 1, "exported");
    PyObject *v[1];
    core_state *state = state_of(self);
    array a;
    const void *bytes;
    size_t size;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        bytes_take(state, &a, "exported", v[0], &bytes, &size) != 0)
        return NULL;
    int result_status = -1;
    parseal_aggregator *aggregator = held_enter((held *)self);
    if (aggregator != NULL) {
        parseal_status status;
        CALL(status, size, parseal_aggregator_merge(aggregator, bytes, size));
        held_leave((held *)self);
        result_status = done(state, status);
    }
    array_release(&a);
    if (result_status != 0)
        return NULL;
    Py_RETURN_NONE;
}

/* -------------------------------------------------------------------------------- questions -- */

typedef parseal_status (*question)(const parseal_aggregator *, uint64_t *);

static int ask(PyObject *self, question function, uint64_t *answer)
{
    const parseal_aggregator *aggregator = held_enter((held *)self);
    if (aggregator == NULL)
        return -1;
    const parseal_status status = function(aggregator, answer);
    held_leave((held *)self);
    return done(state_of(self), status);
}

static Py_ssize_t count(PyObject *self)
{
    uint64_t n = 0;
    return ask(self, parseal_aggregator_count, &n) == 0 ? (Py_ssize_t)n : -1;
}

static PyObject *get_update_size(PyObject *self, void *unused)
{
    (void)unused;
    uint64_t size = 0;
    if (ask(self, parseal_aggregator_update_size, &size) != 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(size);
}

static PyObject *get_dim(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(shape_of(self)->dim);
}

/* What is no client's number is in no aggregator. */
static int contains(PyObject *self, PyObject *value)
{
    uint64_t client = 0;
    int32_t has = 0;
    if (!PyIndex_Check(value))
        return 0;
    if (need_u64("client", value, &client) != 0) {
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    const parseal_aggregator *aggregator = held_enter((held *)self);
    if (aggregator == NULL)
        return -1;
    const parseal_status status = parseal_aggregator_has(aggregator, client, &has);
    held_leave((held *)self);
    return done(state_of(self), status) == 0 ? has != 0 : -1;
}

/* ------------------------------------------------------------------------------------- type -- */

static PyMethodDef methods[] = {
    FUNCTION("add", add_one, 0,
             "add($self, client, update)\n--\n\n"
             "Adds one client's update, which is not sealed: update_size bytes of any array or\n"
             "bytes-like object. Raises AuthError where the client has been counted before or the "
             "length is\nwrong, and as add_many does."),
    FUNCTION("add_many", add_many, 0,
             "add_many($self, updates, *, strict=True)\n--\n\n"
             "Adds updates that are not sealed: a list of (client, update).\n\n"
             "Returns list[str], a verdict for each: \"ok\", \"counted\" (the client has been "
             "counted\nbefore: not added) or \"bad_length\". strict: raise AuthError where one is "
             "not \"ok\", after\nall were looked at; its `verdicts` are what is returned "
             "otherwise.\n\n"
             "Raises AuthError, ArgError, UnsupportedError (an array in a device's memory)."),
    FUNCTION("add_sealed", add_sealed_updates, 0,
             "add_sealed($self, keys, updates, *, strict=True)\n--\n\n"
             "Opens updates and adds those that are authentic. keys: a Keys of the same context.\n"
             "updates: a list of Update, or of tuples (client, payload, nonce, tag, aad, key), the "
             "last\ntwo of which may be left out. Nothing is written to them.\n\n"
             "Returns as add_many does, with \"bad_tag\" for what is not authentic. Raises as it "
             "does, and\nSizeError (key is not in the set)."),
    FUNCTION("unmask", unmask, 0,
             "unmask($self, seeds)\n--\n\n"
             "Adds the masks of a Seeds of the same context to the sum, each with its sign: "
             "survivors'\nself masks with -1. Any number of times; never the same seed twice.\n\n"
             "Raises ArgError (another context or ring), SizeError, UnsupportedError."),
    FUNCTION("sum", sum, 0,
             "sum($self, out=None)\n--\n\n"
             "The sum, dim elements of the ring. out: an array of integers with the ring's element "
             "size, in\nhost memory or on the context's device; None: a new NumPy array of uint32 "
             "or uint64.\n\nReturns out, and leaves the aggregator as it is. Raises ArgError, "
             "SizeError, UnsupportedError."),
    FUNCTION(
        "mean", mean, 0,
        "mean($self, out=None)\n--\n\n"
        "The mean of the counted clients' quantised updates. out: float32, dim elements; "
        "None: a new\nNumPy array.\n\n"
        "Returns out. Raises ArgError (no quant was given; nobody was counted), OverflowError_ "
        "(so many\nclients' values may not fit the ring), and as sum does."),
    {"export", export, METH_NOARGS,
     "export($self, /)\n--\n\n"
     "The sum and who is in it, as bytes for Aggregator.load and merge. Its digest finds damage, "
     "not\nforgery."},
    FUNCTION("load", load, METH_CLASS,
             "load($type, exported, *, ctx=None)\n--\n\n"
             "A new Aggregator of an export. Raises FormatError (truncated, foreign, damaged)."),
    FUNCTION("merge", merge, 0,
             "merge($self, exported)\n--\n\n"
             "Adds an export's sum and clients. Raises FormatError, and ArgError (another ring, "
             "dim, bits or\nquantisation, or a client that both have counted); then nothing has "
             "changed."),
    HELD_METHODS,
    {NULL, NULL, 0, NULL}};

static PyGetSetDef getters[] = {
    {"dim", get_dim, NULL, "Elements of an update and of the sum.", NULL},
    {"update_size", get_update_size, NULL, "Bytes of one update.", NULL},
    HELD_CTX,
    {NULL, NULL, NULL, NULL, NULL}};

static const char doc[] =
    "Aggregator(dim, ring=None, *, bits=0, quant=None, ctx=None)\n--\n\n"
    "The sum of clients' updates, vectors of dim elements of a ring, in the context's device's\n"
    "memory. Nothing else grows with them: an update is opened, unpacked and added as it comes.\n\n"
    "ring: None: the integers mod 2**32. bits: of an element in an update, packed as pack does;\n"
    "0: updates are elements of the ring as they are. quant: how updates were quantised, for "
    "mean.\n"
    "\nA client is a number, 0 .. 2**64 - 1, and counts once. len() says how many were counted,\n"
    "`client in aggregator` whether one was. Calls of several threads follow each other.\n\n"
    "Raises ArgError (dim, bits or quant out of range), SizeError, NoMemoryError. After a failure "
    "in\nthe middle of a call all later ones raise DeviceError: go on from the last export.";

static PyType_Slot slots[] = {SLOT(Py_tp_new, aggregator_new),
                              SLOT(Py_tp_dealloc, held_dealloc),
                              SLOT(Py_tp_methods, methods),
                              SLOT(Py_tp_getset, getters),
                              SLOT(Py_sq_length, count),
                              SLOT(Py_sq_contains, contains),
                              SLOT(Py_tp_doc, doc),
                              {0, NULL}};

static PyType_Spec spec = {"parseal.Aggregator", sizeof(held), 0, Py_TPFLAGS_DEFAULT, slots};

int add_aggregator(PyObject *module)
{
    return add_type(module, &spec, &state_of_module(module)->aggregator);
}
