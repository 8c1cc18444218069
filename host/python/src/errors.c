/* Exceptions: one for each status of the library, and what sets them. */
#include "core.h" /* Python.h must be the first */

#include <stdarg.h>

typedef struct {
    const char *name, *doc;
    PyObject **also; /* the exception of Python's that it is, too */
} error_row;

/* By the status, negated. */
static const error_row rows[STATUSES] = {
    {"Error",
     "A call of parseal failed: `status` is the library's number for it, `status_name` its "
     "name, and the text says which argument was wrong, and how.",
     NULL},
    {"ArgError", "An argument is not one that the function accepts (PARSEAL_ERR_ARG).",
     &PyExc_ValueError},
    {"SizeError", "A size, count or offset is out of bounds (PARSEAL_ERR_SIZE).",
     &PyExc_ValueError},
    {"AliasError", "Arrays overlap in a way that is not in place (PARSEAL_ERR_ALIAS).",
     &PyExc_ValueError},
    {"AuthError",
     "Something is not authentic, or was refused for another reason (PARSEAL_ERR_AUTH). "
     "`verdicts` says which of several items, where a call took several: as that call returns "
     "them.",
     NULL},
    {"OverflowError_",
     "The sum of so many quantised updates can exceed the modulus "
     "(PARSEAL_ERR_OVERFLOW).",
     &PyExc_OverflowError},
    {"NoMemoryError",
     "Memory of the host or of a device could not be had "
     "(PARSEAL_ERR_NO_MEMORY).",
     &PyExc_MemoryError},
    {"NoDeviceError",
     "The backend, device or instruction set asked for is not here "
     "(PARSEAL_ERR_NO_DEVICE).",
     NULL},
    {"SelftestError", "It is here, but computes known answers wrongly (PARSEAL_ERR_SELFTEST).",
     NULL},
    {"UnsupportedError",
     "The context's backend cannot do it, or not with an array of this kind "
     "(PARSEAL_ERR_UNSUPPORTED).",
     NULL},
    {"DeviceError", "A driver or a device reported a failure (PARSEAL_ERR_DEVICE).", NULL},
    {"FormatError", "Bytes are not what their format says (PARSEAL_ERR_FORMAT).",
     &PyExc_ValueError},
};

static PyObject *new_error(const error_row *row, int status, PyObject *base)
{
    char name[64];
    PyOS_snprintf(name, sizeof name, "parseal.%s", row->name);
    PyObject *bases = row->also != NULL ? PyTuple_Pack(2, base, *row->also) : PyTuple_Pack(1, base);
    PyObject *values = Py_BuildValue("{s:i,s:s}", "status", status, "status_name",
                                     parseal_status_name((parseal_status)status));
    PyObject *error = NULL;
    if (bases != NULL && values != NULL)
        error = PyErr_NewExceptionWithDoc(name, row->doc, bases, values);
    Py_XDECREF(bases);
    Py_XDECREF(values);
    return error;
}

int add_errors(PyObject *module)
{
    core_state *state = state_of_module(module);
    for (int i = 0; i < STATUSES; i++) {
        PyObject *base = i == 0 ? PyExc_Exception : state->errors[0];
        state->errors[i] = new_error(&rows[i], -i, base);
        if (state->errors[i] == NULL ||
            PyModule_AddObjectRef(module, rows[i].name, state->errors[i]) != 0)
            return -1;
    }
    PyObject *none = PyTuple_New(0);
    const int status =
        none != NULL ? PyObject_SetAttrString(state->errors[-PARSEAL_ERR_AUTH], "verdicts", none)
                     : -1;
    Py_XDECREF(none);
    return status;
}

static PyObject *error_of(const core_state *state, parseal_status status)
{
    const int i = -(int)status;
    return state->errors[i > 0 && i < STATUSES ? i : 0];
}

PyObject *raise_status(core_state *state, parseal_status status)
{
    PyErr_SetString(error_of(state, status), parseal_last_error_text());
    return NULL;
}

PyObject *raise_text(core_state *state, parseal_status status, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    PyErr_FormatV(error_of(state, status), format, values);
    va_end(values);
    return NULL;
}

PyObject *raise_verdicts(core_state *state, PyObject *verdicts)
{
    PyObject *error = error_of(state, PARSEAL_ERR_AUTH);
    PyObject *value = PyObject_CallFunction(error, "s", parseal_last_error_text());
    if (value != NULL && PyObject_SetAttrString(value, "verdicts", verdicts) == 0)
        PyErr_SetObject(error, value);
    Py_XDECREF(value);
    return NULL;
}

int done(core_state *state, parseal_status status)
{
    return status == PARSEAL_OK ? 0 : (raise_status(state, status), -1);
}
