/* parseal._core._Sealed: a sealed stream, piece by piece, which parseal/sealed.py makes files of.
 * And the sizes that streams have. */
#include "core.h"

#include "parseal/sealed.h"

static void destroy(void *stream)
{
    parseal_sealed_destroy(stream);
}

/* ------------------------------------------------------------------------------- parameters -- */

/* "1MB", "4KB", or a number of bytes. */
static int to_segment(PyObject *value, uint32_t *segment)
{
    if (value == NULL || value == Py_None || !PyUnicode_Check(value))
        return to_u32("segment", value, segment);
    if (PyUnicode_CompareWithASCIIString(value, "1MB") == 0)
        *segment = PARSEAL_SEALED_1MB;
    else if (PyUnicode_CompareWithASCIIString(value, "4KB") == 0)
        *segment = PARSEAL_SEALED_4KB;
    else {
        PyErr_Format(PyExc_ValueError, "segment: %R is none of '1MB', '4KB', a number of bytes",
                     value);
        return -1;
    }
    return 0;
}

static int to_params(PyObject *segment, PyObject *alg, parseal_sealed_params *params)
{
    const char *name = NULL;
    if (to_segment(segment, &params->segment_size) != 0 || to_text("alg", alg, &name) != 0)
        return -1;
    return name != NULL ? to_alg(name, &params->alg) : 0;
}

/* ----------------------------------------------------------------------------------- stream -- */

static parseal_sealed *create(core_state *state, parseal_ctx *ctx, bool seals,
                              const parseal_sealed_params *params, PyObject *key)
{
    array a;
    const void *bytes;
    size_t size;
    parseal_sealed *stream = NULL;
    if (bytes_take(state, &a, "key", key, &bytes, &size) != 0)
        return NULL;
    const parseal_status status =
        seals ? parseal_sealed_seal_create(&stream, ctx, params, bytes, size)
              : parseal_sealed_open_create(&stream, ctx, params, bytes, size);
    array_release(&a);
    return done(state, status) == 0 ? stream : NULL;
}

/* The stream with the size of its segments. */
static PyObject *hold(PyTypeObject *type, parseal_sealed *stream, uint32_t segment, held *context)
{
    uint32_t *extra = PyMem_Malloc(sizeof *extra);
    if (extra == NULL) {
        destroy(stream);
        return PyErr_NoMemory();
    }
    *extra = segment;
    held *made = held_new(type, stream, destroy, (PyObject *)context, true);
    if (made == NULL)
        PyMem_Free(extra);
    else
        made->extra = extra;
    return (PyObject *)made;
}

static PyObject *get_segment(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(*(const uint32_t *)((const held *)self)->extra);
}

static PyObject *sealed_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s =
        SIGNATURE("_Sealed", 2, 2, "seals", "key", "aad", "segment", "alg", "ctx");
    PyObject *v[6];
    core_state *state = PyType_GetModuleState(type);
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    bool seals = false;
    array aad;
    parseal_ctx *ctx;
    if (take_constructor(&s, args, kwargs, v) != 0 || to_bool("seals", v[0], &seals) != 0 ||
        to_params(v[3], v[4], &params) != 0 ||
        bytes_take(state, &aad, "aad", given(v[2]), &params.aad, &params.aad_len) != 0)
        return NULL;
    PyObject *made = NULL;
    held *context = enter_context(state, v[5], &ctx);
    if (context != NULL) {
        parseal_sealed *stream = create(state, ctx, seals, &params, v[1]);
        if (stream != NULL)
            made = hold(type, stream, params.segment_size, context);
        held_leave(context);
    }
    array_release(&aad);
    return made;
}

/* Takes `out` for writing, in host memory. */
static int take_out(core_state *state, array *a, PyObject *value, parseal_buf *buf)
{
    if (array_take_buf(state, a, "out", value, PARSEAL_DLPACK_WRITE, buf) != 0)
        return -1;
    if (buf->kind == PARSEAL_BUF_HOST)
        return 0;
    array_release(a);
    raise_text(state, PARSEAL_ERR_UNSUPPORTED, "out: needed in host memory");
    return -1;
}

static PyObject *written_or_error(core_state *state, parseal_status status, size_t written)
{
    return done(state, status) == 0 ? PyLong_FromSize_t(written) : NULL;
}

static PyObject *run_update(PyObject *self, const void *bytes, size_t size, const parseal_buf *out)
{
    core_state *state = state_of(self);
    parseal_sealed *stream = held_enter((held *)self);
    if (stream == NULL)
        return NULL;
    size_t written = 0;
    parseal_status status;
    CALL(status, size,
         parseal_sealed_update(stream, bytes, size, (void *)(out->handle + out->offset),
                               (size_t)out->size, &written));
    held_leave((held *)self);
    return written_or_error(state, status, written);
}

static PyObject *update(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("update", 2, 2, "data", "out");
    PyObject *v[2];
    core_state *state = state_of(self);
    array data, out;
    const void *bytes;
    size_t size;
    parseal_buf buf;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        bytes_take(state, &data, "data", v[0], &bytes, &size) != 0)
        return NULL;
    PyObject *result = NULL;
    if (take_out(state, &out, v[1], &buf) == 0) {
        result = run_update(self, bytes, size, &buf);
        array_release(&out);
    }
    array_release(&data);
    return result;
}

static PyObject * final(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("final", 1, 1, "out");
    PyObject *v[1];
    core_state *state = state_of(self);
    array out;
    parseal_buf buf;
    if (take_arguments(&s, args, n, names, v) != 0 || take_out(state, &out, v[0], &buf) != 0)
        return NULL;
    PyObject *result = NULL;
    parseal_sealed *stream = held_enter((held *)self);
    if (stream != NULL) {
        size_t written = 0;
        parseal_status status;
        CALL(status, buf.size,
             parseal_sealed_final(stream, (void *)(buf.handle + buf.offset), (size_t)buf.size,
                                  &written));
        held_leave((held *)self);
        result = written_or_error(state, status, written);
    }
    array_release(&out);
    return result;
}

static PyObject *update_size(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("update_size", 1, 1, "n");
    PyObject *v[1];
    uint64_t bytes = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || need_u64("n", v[0], &bytes) != 0)
        return NULL;
    const parseal_sealed *stream = held_enter((held *)self);
    if (stream == NULL)
        return NULL;
    size_t size = 0;
    const parseal_status status = parseal_sealed_update_size(stream, (size_t)bytes, &size);
    held_leave((held *)self);
    return written_or_error(state_of(self), status, size);
}

static PyMethodDef methods[] = {
    FUNCTION("update", update, 0,
             "update($self, data, out)\n--\n\n"
             "Takes the next bytes and writes the segments that are now known not to be the last.\n"
             "Returns how many bytes it has written to out, which has room for "
             "update_size(len(data))."),
    FUNCTION("update_size", update_size, 0,
             "update_size($self, n)\n--\n\nThe bytes that an update with n bytes would write."),
    FUNCTION("final", final, 0,
             "final($self, out)\n--\n\n"
             "Writes the last segment, for which a segment's size is always room enough, and ends "
             "the\nstream. Returns the bytes written."),
    HELD_METHODS,
    {NULL, NULL, 0, NULL}};

static PyGetSetDef getters[] = {
    {"segment", get_segment, NULL, "Bytes of a segment, its tag included.", NULL},
    HELD_CTX,
    {NULL, NULL, NULL, NULL, NULL}};

static const char doc[] =
    "_Sealed(seals, key, *, aad=b\"\", segment=\"1MB\", alg=\"aes256gcm\", ctx=None)\n--\n\n"
    "A stream that is sealed (seals is true) or opened, as parseal/sealed.h has it. Calls of\n"
    "several threads follow each other.";

static PyType_Slot slots[] = {SLOT(Py_tp_new, sealed_new),  SLOT(Py_tp_dealloc, held_dealloc),
                              SLOT(Py_tp_methods, methods), SLOT(Py_tp_getset, getters),
                              SLOT(Py_tp_doc, doc),         {0, NULL}};

static PyType_Spec spec = {"parseal._core._Sealed", sizeof(held), 0, Py_TPFLAGS_DEFAULT, slots};

/* ------------------------------------------------------------------------------------ sizes -- */

typedef parseal_status (*size_function)(const parseal_sealed_params *, uint64_t, uint64_t *);

static PyObject *size_of(PyObject *module, const signature *s, size_function function,
                         PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    PyObject *v[3];
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    uint64_t from = 0, to = 0;
    if (take_arguments(s, args, n, names, v) != 0 || need_u64("n", v[0], &from) != 0 ||
        to_params(v[1], v[2], &params) != 0)
        return NULL;
    if (done(state_of_module(module), function(&params, from, &to)) != 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(to);
}

static PyObject *sealed_size(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("sealed_size", 1, 1, "n", "segment", "alg");
    return size_of(module, &s, parseal_sealed_size, args, n, names);
}

static PyObject *opened_size(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("opened_size", 1, 1, "n", "segment", "alg");
    return size_of(module, &s, parseal_sealed_opened_size, args, n, names);
}

static PyMethodDef functions[] = {
    FUNCTION("sealed_size", sealed_size, 0,
             "sealed_size(n, *, segment=\"1MB\", alg=\"aes256gcm\")\n--\n\n"
             "The bytes that a sealed file or stream of n bytes has. Raises SizeError."),
    FUNCTION("opened_size", opened_size, 0,
             "opened_size(n, *, segment=\"1MB\", alg=\"aes256gcm\")\n--\n\n"
             "The bytes that are in a sealed file or stream of n bytes. Raises AuthError where "
             "none has so\nmany."),
    {NULL, NULL, 0, NULL}};

int add_sealed(PyObject *module)
{
    if (add_type(module, &spec, &state_of_module(module)->sealed) != 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
