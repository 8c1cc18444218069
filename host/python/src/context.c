/* parseal.Context, and the default one of a process. */
#include "core.h" /* Python.h must be the first */

#include <unistd.h>

typedef struct {
    int32_t backend;
    pid_t pid; /* of the process that made it */
} context_facts;

static void destroy(void *ctx)
{
    parseal_ctx_destroy(ctx);
}

static int to_backend(const char *name, int32_t *backend)
{
    for (int32_t i = PARSEAL_BACKEND_AUTO; i <= PARSEAL_BACKEND_CUDA; i++) {
        if (PyOS_stricmp(name, parseal_backend_name(i)) == 0) {
            *backend = i;
            return 0;
        }
    }
    PyErr_Format(PyExc_ValueError, "backend: '%s' is none of auto, cpu, opencl, cuda", name);
    return -1;
}

static PyObject *open_context(PyTypeObject *type, core_state *state, const parseal_options *options)
{
    parseal_ctx *ctx = NULL;
    parseal_status status;
    Py_BEGIN_ALLOW_THREADS
    status = parseal_ctx_create(&ctx, options);
    Py_END_ALLOW_THREADS
    if (status != PARSEAL_OK)
        return raise_status(state, status);
    parseal_info info = PARSEAL_INFO_INIT;
    context_facts *facts = PyMem_Malloc(sizeof *facts);
    if (facts == NULL) {
        parseal_ctx_destroy(ctx);
        return PyErr_NoMemory();
    }
    parseal_ctx_info(ctx, &info);
    *facts = (context_facts){info.backend, getpid()};
    held *made = held_new(type, ctx, destroy, NULL, false);
    if (made == NULL)
        PyMem_Free(facts);
    else
        made->extra = facts;
    return (PyObject *)made;
}

static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s =
        SIGNATURE("Context", 2, 0, "backend", "threads", "device", "impl", "device_memory");
    PyObject *v[5];
    parseal_options options = PARSEAL_OPTIONS_INIT;
    const char *backend = "auto";
    if (take_constructor(&s, args, kwargs, v) != 0 || to_text("backend", v[0], &backend) != 0 ||
        to_backend(backend, &options.backend) != 0 ||
        to_u32("threads", v[1], &options.cpu_threads) != 0 ||
        to_text("device", v[2], &options.device) != 0 ||
        to_text("impl", v[3], &options.cpu_impl) != 0 ||
        to_u64("device_memory", v[4], &options.device_memory) != 0)
        return NULL;
    return open_context(type, PyType_GetModuleState(type), &options);
}

/* ---------------------------------------------------------------------------------- default -- */

/* A GPU's driver does not survive fork: the child of a process that used one gets a context of its
 * own. The CPU's serves the child as well. One that somebody has closed serves nobody. */
static bool serves_here(PyObject *context)
{
    const context_facts *facts = ((const held *)context)->extra;
    if ((atomic_load(&((held *)context)->use) & 1) != 0)
        return false;
    return facts->backend == PARSEAL_BACKEND_CPU || facts->pid == getpid();
}

/* The default context lives as long as the module, so a reference that is borrowed stays good. One
 * that was put in another's place is kept as well: another thread may be about to use it. */
static PyObject *default_context(core_state *state)
{
    PyObject *found = atomic_load(&state->default_context);
    if (found != NULL && serves_here(found))
        return found;
    PyObject *made = open_context(state->context, state, NULL);
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong(&state->default_context, &found, made))
        return made;
    Py_DECREF(made); /* another thread was first */
    return atomic_load(&state->default_context);
}

held *enter_context(core_state *state, PyObject *value, parseal_ctx **ctx)
{
    held *h;
    if (value == NULL || value == Py_None)
        h = (held *)default_context(state);
    else
        h = to_held("ctx", value, state->context);
    if (h == NULL)
        return NULL;
    *ctx = held_enter(h);
    return *ctx != NULL ? h : NULL;
}

static PyObject *get_default_context(PyObject *module, PyObject *unused)
{
    (void)unused;
    PyObject *context = default_context(state_of_module(module));
    Py_XINCREF(context);
    return context;
}

/* -------------------------------------------------------------------------------- questions -- */

static bool info_of(PyObject *self, parseal_info *info)
{
    const parseal_ctx *ctx = held_enter((held *)self);
    if (ctx == NULL)
        return false;
    const parseal_status status = parseal_ctx_info(ctx, info);
    held_leave((held *)self);
    return done(state_of(self), status) == 0;
}

static PyObject *get_backend(PyObject *self, void *unused)
{
    (void)unused;
    parseal_info info = PARSEAL_INFO_INIT;
    return info_of(self, &info) ? PyUnicode_FromString(parseal_backend_name(info.backend)) : NULL;
}

static PyObject *get_device(PyObject *self, void *unused)
{
    (void)unused;
    parseal_info info = PARSEAL_INFO_INIT;
    return info_of(self, &info) ? PyUnicode_FromString(info.device) : NULL;
}

static PyObject *get_reason(PyObject *self, void *unused)
{
    (void)unused;
    parseal_info info = PARSEAL_INFO_INIT;
    return info_of(self, &info) ? PyUnicode_FromString(info.reason) : NULL;
}

static PyObject *get_threads(PyObject *self, void *unused)
{
    (void)unused;
    parseal_info info = PARSEAL_INFO_INIT;
    return info_of(self, &info) ? PyLong_FromUnsignedLong(info.cpu_threads) : NULL;
}

static int put_impl(PyObject *dict, const parseal_ctx *ctx, int32_t primitive)
{
    parseal_primitive_info info = PARSEAL_PRIMITIVE_INFO_INIT;
    if (parseal_ctx_primitive(ctx, primitive, &info) != PARSEAL_OK)
        return 0;
    PyObject *name = PyUnicode_FromString(info.impl);
    const int status =
        name != NULL ? PyDict_SetItemString(dict, parseal_primitive_name(primitive), name) : -1;
    Py_XDECREF(name);
    return status;
}

static PyObject *get_impl(PyObject *self, void *unused)
{
    (void)unused;
    const parseal_ctx *ctx = held_enter((held *)self);
    if (ctx == NULL)
        return NULL;
    PyObject *dict = PyDict_New();
    for (int32_t i = 0; dict != NULL && i < parseal_primitive_count(); i++) {
        if (put_impl(dict, ctx, i) != 0)
            Py_CLEAR(dict);
    }
    held_leave((held *)self);
    return dict;
}

static PyObject *context_repr(PyObject *self)
{
    if ((atomic_load(&((held *)self)->use) & 1) != 0)
        return PyUnicode_FromString("<parseal.Context, closed>");
    parseal_info info = PARSEAL_INFO_INIT;
    if (!info_of(self, &info))
        return NULL;
    const char *backend = parseal_backend_name(info.backend);
    if (info.backend != PARSEAL_BACKEND_CPU)
        return PyUnicode_FromFormat("<parseal.Context %s: %s>", backend, info.device);
    return PyUnicode_FromFormat("<parseal.Context %s: %s, %u thread%s>", backend, info.device,
                                info.cpu_threads, info.cpu_threads == 1 ? "" : "s");
}

static PyMethodDef methods[] = {HELD_METHODS, {NULL, NULL, 0, NULL}};

static PyGetSetDef getters[] = {
    {"backend", get_backend, NULL, "The backend that was picked: \"cpu\", \"opencl\" or \"cuda\".",
     NULL},
    {"device", get_device, NULL, "The device's own name.", NULL},
    {"reason", get_reason, NULL, "Why this backend, and what was passed over and why.", NULL},
    {"threads", get_threads, NULL, "Threads that a large call on the CPU uses.", NULL},
    {"impl", get_impl, NULL,
     "dict: the implementation that was picked for each primitive (\"aead\", \"mask\", ...).",
     NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static const char context_doc[] =
    "Context(backend=\"auto\", threads=0, *, device=None, impl=None, device_memory=0)\n--\n\n"
    "A backend that was opened: what keys, seeds and aggregators are made in, and calls run on.\n\n"
    "backend: \"auto\" (the first of CUDA, OpenCL and the CPU that is here and computes its known\n"
    "  answers right), or \"cpu\", \"opencl\", \"cuda\", which is never replaced by another.\n"
    "threads: CPU threads of a call, at most; 0: as many as the process has cores.\n"
    "device: the GPU to use, as a string: an index (\"0\"), a UUID, or a part of its name.\n"
    "impl: the best CPU implementation to use, as in \"avx2\".\n"
    "device_memory: bytes of a GPU's memory that a call on host memory may take; 0: a quarter of\n"
    "  what is free.\n\n"
    "Environment variables (PARSEAL_BACKEND, PARSEAL_THREADS, ...) narrow the choice further.\n"
    "Any number of threads may use one at the same time. After fork() the CPU's contexts go on in\n"
    "the child; those of a GPU raise DeviceError there.\n\n"
    "Raises ArgError, NoDeviceError, SelftestError, NoMemoryError.";

static PyType_Slot slots[] = {SLOT(Py_tp_new, context_new),
                              SLOT(Py_tp_dealloc, held_dealloc),
                              SLOT(Py_tp_methods, methods),
                              SLOT(Py_tp_getset, getters),
                              SLOT(Py_tp_repr, context_repr),
                              SLOT(Py_tp_doc, context_doc),
                              {0, NULL}};

static PyType_Spec spec = {"parseal.Context", sizeof(held), 0, Py_TPFLAGS_DEFAULT, slots};

static PyMethodDef functions[] = {
    {"default_context", get_default_context, METH_NOARGS,
     "default_context()\n--\n\nReturns the Context that calls without one use: made at its first "
     "use, one for each\nprocess. PARSEAL_BACKEND and the like choose it."},
    {NULL, NULL, 0, NULL}};

int add_context(PyObject *module)
{
    if (add_type(module, &spec, &state_of_module(module)->context) != 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
