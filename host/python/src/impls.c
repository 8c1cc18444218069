/* devices and selftest: every implementation that the library knows, by its known answers. */
#include "core.h"

enum { FIELDS = 6 };

static PyStructSequence_Field fields[] = {
    {"backend", "\"cpu\", \"opencl\" or \"cuda\"."},
    {"primitive", "What it computes (\"aead\", \"mask\", ...); None: a whole backend."},
    {"name", "The implementation's name, such as \"avx2\"."},
    {"state", "\"passed\", \"failed\", \"absent\" (not on this machine) or \"not built\"."},
    {"device", "The device's own name, or \"\"."},
    {"detail", "What is missing, or which known answer failed, or \"\"."},
    {NULL, NULL}};

static PyStructSequence_Desc description = {
    "parseal.Impl", "One implementation of a primitive, as devices() and selftest() list them.",
    fields, FIELDS};

static const char *state_name(int32_t state)
{
    switch (state) {
    case PARSEAL_IMPL_FAILED:
        return "failed";
    case PARSEAL_IMPL_NOT_BUILT:
        return "not built";
    case PARSEAL_IMPL_ABSENT:
        return "absent";
    default:
        return "passed";
    }
}

static PyObject *row_of(const core_state *state, const parseal_impl *impl)
{
    const char *texts[FIELDS] = {parseal_backend_name(impl->backend),
                                 impl->primitive >= 0 ? parseal_primitive_name(impl->primitive)
                                                      : NULL,
                                 impl->name,
                                 state_name(impl->state),
                                 impl->device,
                                 impl->detail};
    PyObject *row = PyStructSequence_New(state->impl);
    for (Py_ssize_t i = 0; row != NULL && i < FIELDS; i++) {
        PyObject *text = Py_BuildValue("z", texts[i]);
        if (text == NULL) {
            Py_DECREF(row);
            return NULL;
        }
        PyStructSequence_SetItem(row, i, text);
    }
    return row;
}

static int append_row(core_state *state, PyObject *rows, size_t index, bool here_alone)
{
    parseal_impl impl = PARSEAL_IMPL_INIT;
    parseal_status status;
    /* A GPU's kernels may be compiled. */
    Py_BEGIN_ALLOW_THREADS
    status = parseal_impl_test(index, &impl);
    Py_END_ALLOW_THREADS
    if (done(state, status) != 0)
        return -1;
    const bool here = impl.state == PARSEAL_IMPL_PASSED || impl.state == PARSEAL_IMPL_FAILED;
    if (here_alone && !here)
        return 0;
    PyObject *row = row_of(state, &impl);
    const int result = row != NULL ? PyList_Append(rows, row) : -1;
    Py_XDECREF(row);
    return result;
}

static PyObject *rows_of(PyObject *module, bool here_alone)
{
    PyObject *rows = PyList_New(0);
    const size_t n = parseal_impl_count();
    for (size_t i = 0; rows != NULL && i < n; i++) {
        if (append_row(state_of_module(module), rows, i, here_alone) != 0)
            Py_CLEAR(rows);
    }
    return rows;
}

static PyObject *devices(PyObject *module, PyObject *unused)
{
    (void)unused;
    return rows_of(module, false);
}

static PyObject *selftest(PyObject *module, PyObject *unused)
{
    (void)unused;
    return rows_of(module, true);
}

static PyMethodDef functions[] = {
    {"devices", devices, METH_NOARGS,
     "devices()\n--\n\n"
     "Returns list[Impl]: every implementation that the library knows, best first within each\n"
     "primitive, with the device that it runs on and what became of its known answers. The first\n"
     "time, a GPU's kernels may be compiled, which takes long."},
    {"selftest", selftest, METH_NOARGS,
     "selftest()\n--\n\n"
     "Computes known answers with every implementation that this machine can run. Returns\n"
     "list[Impl], those of devices() whose state is \"passed\" or \"failed\": one that fails is a "
     "row,\nnot an exception."},
    {NULL, NULL, 0, NULL}};

int add_impls(PyObject *module)
{
    PyTypeObject **type = &state_of_module(module)->impl;
    *type = PyStructSequence_NewType(&description);
    if (*type == NULL || PyModule_AddType(module, *type) != 0)
        return -1;
    return PyModule_AddFunctions(module, functions);
}
