/* Arrays of any framework, never copied, for the time of one call.
 *
 * How an array is taken depends on its type, and is looked up once for each type:
 *   exchange  DLPack's C exchange API (PyTorch from 2.10 on): a pointer, no object is made
 *   buffer    the buffer protocol (NumPy, bytes, bytearray, array.array; JAX for reading)
 *   dlpack    __dlpack__ (CuPy, JAX on a GPU, bfloat16 of JAX)
 * Nothing is written to unless it is known that it may be: a buffer that is not read-only, a
 * versioned capsule without the read-only flag, or a type whose arrays are all mutable. A legacy
 * capsule cannot say: JAX's arrays, which are immutable, come in one.
 */
#include "core.h" /* Python.h must be the first */

#include <string.h>

enum { BY_EXCHANGE = 1, BY_BUFFER = 2, BY_DLPACK = 3 };

typedef struct way {
    PyTypeObject *type; /* held, so that no other type gets its address */
    int by;
    bool mutable_legacy; /* a legacy capsule of this type may be written to */
    const DLPackExchangeAPI *exchange;
} way;

int add_arrays(PyObject *module)
{
    core_state *state = state_of_module(module);
    state->name_exchange = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
    state->name_dlpack = PyUnicode_InternFromString("__dlpack__");
    state->no_arguments = PyTuple_New(0);
    state->max_version =
        Py_BuildValue("{s:(ii)}", "max_version", DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION);
    const bool made = state->name_exchange != NULL && state->name_dlpack != NULL &&
                      state->no_arguments != NULL && state->max_version != NULL;
    return made ? 0 : -1;
}

/* ------------------------------------------------------------------------ the way of a type -- */

static const DLPackExchangeAPI *exchange_of(core_state *state, PyTypeObject *type)
{
    PyObject *capsule = PyObject_GetAttr((PyObject *)type, state->name_exchange);
    if (capsule == NULL) {
        PyErr_Clear();
        return NULL;
    }
    const DLPackExchangeAPI *api = PyCapsule_GetPointer(capsule, "dlpack_exchange_api");
    Py_DECREF(capsule);
    PyErr_Clear();
    /* Older versions follow newer ones; all minor ones of one major version are alike. */
    while (api != NULL && api->header.version.major > DLPACK_MAJOR_VERSION)
        api = (const DLPackExchangeAPI *)api->header.prev_api;
    if (api == NULL || api->header.version.major != DLPACK_MAJOR_VERSION)
        return NULL;
    return api->dltensor_from_py_object_no_sync != NULL ? api : NULL;
}

/* Frameworks whose arrays can all be written to, though their capsules cannot say so. */
static bool is_known_mutable(PyTypeObject *type)
{
    PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
    if (module == NULL) {
        PyErr_Clear();
        return false;
    }
    bool known = false;
    if (PyUnicode_Check(module))
        known = PyUnicode_CompareWithASCIIString(module, "cupy") == 0 ||
                PyUnicode_CompareWithASCIIString(module, "cupy._core.core") == 0 ||
                PyUnicode_CompareWithASCIIString(module, "torch") == 0;
    Py_DECREF(module);
    return known;
}

/* What is known of the type of `value`; false with TypeError set where it is no array. */
static bool find_way(core_state *state, way *w, const char *name, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    *w = (way){type, 0, false, exchange_of(state, type)};
    if (w->exchange != NULL) {
        w->by = BY_EXCHANGE;
    } else if (PyObject_CheckBuffer(value)) {
        w->by = BY_BUFFER;
    } else if (PyObject_HasAttr((PyObject *)type, state->name_dlpack)) {
        w->by = BY_DLPACK;
        w->mutable_legacy = is_known_mutable(type);
    } else {
        PyErr_Format(PyExc_TypeError,
                     "%s: an array is needed (NumPy, PyTorch, JAX, or any other with the buffer "
                     "protocol or DLPack), not %R",
                     name, (PyObject *)type);
        return false;
    }
    return true;
}

/* Rows are added and never changed or removed, so that readers need no lock. */
static const way *known_way(core_state *state, const PyTypeObject *type)
{
    const size_t first = ((uintptr_t)type >> 4) % WAYS;
    for (size_t i = 0; i < WAYS; i++) {
        const way *w = atomic_load_explicit(&state->ways[(first + i) % WAYS], memory_order_acquire);
        if (w == NULL || w->type == type)
            return w;
    }
    return NULL;
}

static void remember_way(core_state *state, const way *found)
{
    way *row = PyMem_Malloc(sizeof *row);
    if (row == NULL)
        return;
    *row = *found;
    Py_INCREF((PyObject *)row->type);
    const size_t first = ((uintptr_t)row->type >> 4) % WAYS;
    for (size_t i = 0; i < WAYS; i++) {
        way *expected = NULL;
        way *_Atomic *place = &state->ways[(first + i) % WAYS];
        if (atomic_compare_exchange_strong(place, &expected, row))
            return;
        if (expected->type == row->type)
            break; /* another thread was first */
    }
    Py_DECREF((PyObject *)row->type);
    PyMem_Free(row);
}

/* ------------------------------------------------------------------------------- the buffer -- */

/* A type that DLPack has no name for: such elements go by their bits. */
enum { UNNAMED = 255 };

/* The type of a buffer's elements, whose format is that of the module struct. Ring elements lie in
 * memory little-endian, and so a format that says otherwise is nothing that calls take. */
static DLDataType dtype_of(const char *format, Py_ssize_t itemsize)
{
    DLDataType dtype = {kDLOpaqueHandle, 64, 1};
    if (itemsize < 1 || itemsize > 31 || (format != NULL && strpbrk(format, "OP&") != NULL))
        return dtype; /* objects, pointers */
    dtype = (DLDataType){UNNAMED, (uint8_t)(8 * itemsize), 1};
    const char *code = format != NULL ? format : "B";
    const bool swapped = (*code == '>' || *code == '!') && itemsize > 1;
    if (strchr("@=<>!", *code) != NULL && *code != '\0')
        code++;
    if (swapped || code[0] == '\0' || code[1] != '\0')
        return dtype;
    if (strchr("bhilqn", *code) != NULL)
        dtype.code = kDLInt;
    else if (strchr("BHILQNc", *code) != NULL)
        dtype.code = kDLUInt;
    else if (strchr("efd", *code) != NULL)
        dtype.code = kDLFloat;
    else if (*code == '?')
        dtype.code = kDLBool;
    return dtype;
}

static int buffer_strides(core_state *state, array *a)
{
    const Py_buffer *b = &a->buffer;
    if (b->strides == NULL || b->itemsize == 0)
        return 0;
    for (int i = 0; i < b->ndim; i++) {
        if (b->strides[i] % b->itemsize != 0 && b->shape[i] > 1) {
            raise_text(state, PARSEAL_ERR_ARG,
                       "%s: its elements are %zd bytes apart, which is no multiple of their size "
                       "of %zd bytes",
                       a->name, b->strides[i], b->itemsize);
            return -1;
        }
        a->strides[i] = b->strides[i] / b->itemsize;
    }
    a->tensor.strides = a->strides;
    return 0;
}

static int refuse_read_only(core_state *state, const char *name)
{
    raise_text(state, PARSEAL_ERR_ARG,
               "%s: it is read-only, or cannot say that it may be written to", name);
    return -1;
}

static int take_buffer(core_state *state, array *a, PyObject *value, int32_t access)
{
    Py_buffer *b = &a->buffer;
    if (PyObject_GetBuffer(value, b, PyBUF_STRIDES | PyBUF_FORMAT) != 0) {
        b->obj = NULL;
        return -1;
    }
    _Static_assert(sizeof(Py_ssize_t) == sizeof(int64_t),
                   "shapes of buffers are taken as they are");
    a->tensor = (DLTensor){.data = b->buf,
                           .device = {kDLCPU, 0},
                           .ndim = b->ndim,
                           .dtype = dtype_of(b->format, b->itemsize),
                           .shape = (int64_t *)b->shape};
    int status = 0;
    if (access == PARSEAL_DLPACK_WRITE && b->readonly)
        status = refuse_read_only(state, a->name);
    else if (b->ndim > ARRAY_DIMS) {
        raise_text(state, PARSEAL_ERR_ARG, "%s: it has %d dimensions, at most %d are taken",
                   a->name, b->ndim, ARRAY_DIMS);
        status = -1;
    } else
        status = buffer_strides(state, a);
    if (status != 0)
        PyBuffer_Release(b);
    return status;
}

/* ----------------------------------------------------------------------------------- DLPack -- */

/* Asks for a capsule. The work that the array waits for is put before the default stream's, for
 * which the call then waits, too. */
static PyObject *ask_capsule(core_state *state, PyObject *value)
{
    PyObject *method = PyObject_GetAttr(value, state->name_dlpack);
    if (method == NULL)
        return NULL;
    PyObject *capsule = PyObject_Call(method, state->no_arguments, state->max_version);
    if (capsule == NULL && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear(); /* a producer from before max_version */
        capsule = PyObject_Call(method, state->no_arguments, NULL);
    }
    Py_DECREF(method);
    return capsule;
}

static int take_capsule(core_state *state, const way *w, array *a, PyObject *capsule,
                        int32_t access)
{
    const char *kind = PyCapsule_GetName(capsule);
    if (kind != NULL && strcmp(kind, "dltensor_versioned") == 0) {
        const DLManagedTensorVersioned *managed = PyCapsule_GetPointer(capsule, kind);
        const DLTensor *tensor;
        const parseal_status status = parseal_dlpack_versioned(a->name, managed, access, &tensor);
        if (done(state, status) != 0)
            return -1;
        a->tensor = *tensor;
        return 0;
    }
    if (kind == NULL || strcmp(kind, "dltensor") != 0) {
        PyErr_Format(PyExc_TypeError, "%s: __dlpack__ returned no DLPack capsule", a->name);
        return -1;
    }
    if (access == PARSEAL_DLPACK_WRITE && !w->mutable_legacy)
        return refuse_read_only(state, a->name);
    const DLManagedTensor *managed = PyCapsule_GetPointer(capsule, kind);
    a->tensor = managed->dl_tensor;
    return 0;
}

/* Puts the argument's name before the text of a producer's exception. */
static void name_argument(const char *name)
{
    PyObject *type, *reason, *traceback;
    PyErr_Fetch(&type, &reason, &traceback);
    PyErr_Format(type, "%s: %S", name, reason);
    Py_XDECREF(type);
    Py_XDECREF(reason);
    Py_XDECREF(traceback);
}

/* Whether a method of PyTorch's says yes; a producer that has no such method says no. -1 with an
 * exception set. */
static int says(PyObject *value, const char *method)
{
    PyObject *answer = PyObject_CallMethod(value, method, NULL);
    if (answer == NULL) {
        PyErr_Clear();
        return 0;
    }
    const int truth = PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return truth;
}

/* PyTorch has views whose values are not those of memory: negated ones, which arise of complex
 * conjugates, and these themselves. The first go out by DLPack as that memory is, without a word,
 * and both do by the exchange API. -1 where `value` is one. Integers are not asked: no operation
 * but a private one makes such views of them. */
static int refuse_lazy(core_state *state, const array *a, PyObject *value)
{
    const uint8_t code = a->tensor.dtype.code;
    const bool complex = code == kDLComplex;
    if (code != kDLFloat && code != kDLBfloat && !complex)
        return 0;
    const int negated = says(value, "is_neg");
    const int conjugate = negated == 0 && complex ? says(value, "is_conj") : 0;
    if (negated == 0 && conjugate == 0)
        return 0;
    if (negated > 0 || conjugate > 0)
        raise_text(
            state, PARSEAL_ERR_ARG,
            "%s: its values are not those of its memory, which is %s lazily: resolve_%s() it "
            "first",
            a->name, negated > 0 ? "negated" : "conjugated", negated > 0 ? "neg" : "conj");
    return -1;
}

/* The capsule stays what it is, not "used": when it goes, so does what its producer made for it. */
static int take_dlpack(core_state *state, const way *w, array *a, PyObject *value, int32_t access)
{
    PyObject *capsule = ask_capsule(state, value);
    if (capsule == NULL)
        return -1; /* the producer's own words */
    if (take_capsule(state, w, a, capsule, access) != 0 || refuse_lazy(state, a, value) != 0) {
        Py_DECREF(capsule);
        return -1;
    }
    a->owner = capsule;
    return 0;
}

/* Pinned memory is the host's. */
static bool on_host(const array *a)
{
    return a->tensor.device.device_type == kDLCPU || a->tensor.device.device_type == kDLCUDAHost;
}

static int take_exchange(core_state *state, const way *w, array *a, PyObject *value)
{
    if (w->exchange->dltensor_from_py_object_no_sync(value, &a->tensor) != 0) {
        name_argument(a->name);
        return -1;
    }
    if (refuse_lazy(state, a, value) != 0)
        return -1;
    const DLDevice device = a->tensor.device;
    if (on_host(a) || w->exchange->current_work_stream == NULL)
        return 0;
    a->known_stream = true;
    return w->exchange->current_work_stream(device.device_type, device.device_id, &a->stream);
}

/* NumPy knows bfloat16 (of ml_dtypes) as a type of someone else's, which neither protocol can name:
 * its bits are taken as a view of 16-bit integers. False where `value` is nothing of that kind. */
static bool view_bfloat16(PyObject *value, PyObject **view)
{
    PyObject *dtype = PyObject_GetAttrString(value, "dtype");
    PyObject *kind = dtype != NULL ? PyObject_GetAttrString(dtype, "name") : NULL;
    PyObject *native = dtype != NULL ? PyObject_GetAttrString(dtype, "isnative") : NULL;
    *view = NULL;
    if (kind != NULL && PyUnicode_Check(kind) && native == Py_True &&
        PyUnicode_CompareWithASCIIString(kind, "bfloat16") == 0)
        *view = PyObject_CallMethod(value, "view", "s", "uint16");
    Py_XDECREF(dtype);
    Py_XDECREF(kind);
    Py_XDECREF(native);
    PyErr_Clear();
    return *view != NULL;
}

/* What has the buffer protocol may not have it for this array: of JAX's, for those on a GPU. */
static int take_otherwise(core_state *state, const way *w, array *a, PyObject *value,
                          int32_t access)
{
    PyErr_Clear();
    if (PyObject_HasAttr((PyObject *)w->type, state->name_dlpack)) {
        if (take_dlpack(state, w, a, value, access) == 0)
            return 0;
        if (PyErr_ExceptionMatches(state->errors[0]))
            return -1; /* it was taken, and refused */
        PyErr_Clear();
    }
    PyObject *view;
    if (!view_bfloat16(value, &view)) {
        const int again = take_buffer(state, a, value, access); /* for its error */
        if (again != 0)
            name_argument(a->name);
        return again;
    }
    const int status = take_buffer(state, a, view, access);
    Py_DECREF(view); /* the buffer holds it */
    if (status == 0)
        a->tensor.dtype = (DLDataType){kDLBfloat, 16, 1};
    return status;
}

/* --------------------------------------------------------------------------- for the others -- */

int array_take(core_state *state, array *a, const char *name, PyObject *value, int32_t access)
{
    way found;
    const way *w = known_way(state, Py_TYPE(value));
    if (w == NULL) {
        if (!find_way(state, &found, name, value))
            return -1;
        remember_way(state, &found);
        w = &found;
    }
    a->name = name;
    a->stream = NULL;
    a->known_stream = false;
    a->buffer.obj = NULL;
    a->owner = NULL;
    if (w->by == BY_EXCHANGE)
        return take_exchange(state, w, a, value);
    if (w->by == BY_DLPACK)
        return take_dlpack(state, w, a, value, access);
    if (take_buffer(state, a, value, access) == 0)
        return 0;
    if (PyErr_ExceptionMatches(state->errors[0])) /* it was taken, and refused */
        return -1;
    return take_otherwise(state, w, a, value, access);
}

void array_release(array *a)
{
    if (a->buffer.obj != NULL)
        PyBuffer_Release(&a->buffer);
    Py_XDECREF(a->owner);
}

uint32_t array_element_size(const array *a)
{
    return a->tensor.dtype.bits == 64 ? 8 : 4;
}

int array_vec(core_state *state, const array *a, uint32_t element_size, parseal_vec *vec)
{
    const parseal_status status = parseal_dlpack_vec(a->name, &a->tensor, element_size, vec);
    return done(state, status);
}

int array_floats(core_state *state, const array *a, int32_t *float_type, parseal_vec *vec)
{
    const parseal_status status = parseal_dlpack_floats(a->name, &a->tensor, float_type, vec);
    return done(state, status);
}

int array_buf(core_state *state, const array *a, parseal_buf *buf)
{
    const parseal_status status = parseal_dlpack_buf(a->name, &a->tensor, buf);
    return done(state, status);
}

int array_take_vec(core_state *state, array *a, const char *name, PyObject *value, int32_t access,
                   const parseal_ring *ring, parseal_vec *vec)
{
    if (array_take(state, a, name, value, access) != 0)
        return -1;
    const uint32_t size = ring != NULL ? ring->element_size : array_element_size(a);
    if (array_vec(state, a, size, vec) == 0)
        return 0;
    array_release(a);
    return -1;
}

int array_take_buf(core_state *state, array *a, const char *name, PyObject *value, int32_t access,
                   parseal_buf *buf)
{
    if (array_take(state, a, name, value, access) != 0)
        return -1;
    if (array_buf(state, a, buf) == 0)
        return 0;
    array_release(a);
    return -1;
}

/* CUDA's handle 0 is the default stream, which parseal knows as 1 where the call is not to wait. */
int stream_of(core_state *state, streams *s, const array *a)
{
    if (on_host(a))
        return 0;
    void *stream = a->known_stream && a->stream == NULL ? (void *)(uintptr_t)1 : a->stream;
    if (s->device && (s->known != a->known_stream || s->stream != stream)) {
        raise_text(
            state, PARSEAL_ERR_ARG,
            "%s: it is on another stream than the arrays before it; one call takes arrays of "
            "one framework",
            a->name);
        return -1;
    }
    s->device = true;
    s->known = a->known_stream;
    s->stream = stream;
    return 0;
}

/* --------------------------------------------------------------------------------- new ones -- */

static PyObject *shape_like(uint64_t n, const array *like)
{
    if (like == NULL)
        return PyLong_FromUnsignedLongLong(n);
    PyObject *shape = PyTuple_New(like->tensor.ndim);
    for (int i = 0; shape != NULL && i < like->tensor.ndim; i++) {
        PyObject *extent = PyLong_FromLongLong(like->tensor.shape[i]);
        if (extent == NULL || PyTuple_SetItem(shape, i, extent) != 0) {
            Py_DECREF(shape);
            return NULL;
        }
    }
    return shape;
}

PyObject *new_array(const char *name, uint64_t n, const array *like, const char *dtype)
{
    if (like != NULL && like->tensor.device.device_type != kDLCPU) {
        PyErr_Format(PyExc_ValueError, "%s: needed where %s is in a device's memory", name,
                     like->name);
        return NULL;
    }
    PyObject *numpy = PyImport_ImportModule("numpy");
    if (numpy == NULL) {
        PyErr_Clear();
        PyErr_Format(PyExc_ImportError, "%s: needed where NumPy is not installed", name);
        return NULL;
    }
    PyObject *shape = shape_like(n, like);
    PyObject *result = NULL;
    if (shape != NULL)
        result = PyObject_CallMethod(numpy, "empty", "Os", shape, dtype);
    Py_XDECREF(shape);
    Py_DECREF(numpy);
    return result;
}
