/* Arguments of functions: by place and by name, and as numbers. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

/* The place of a name among a signature's, or -1. */
static int place_of(const signature *s, PyObject *name)
{
    for (int i = 0; i < s->n; i++) {
        if (PyUnicode_CompareWithASCIIString(name, s->names[i]) == 0)
            return i;
    }
    return -1;
}

static int put_named(const signature *s, PyObject *name, PyObject *value, PyObject **values)
{
    const int i = place_of(s, name);
    if (i < 0) {
        PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", s->function,
                     name);
        return -1;
    }
    if (values[i] != NULL) {
        PyErr_Format(PyExc_TypeError, "%s() got multiple values for argument '%U'", s->function,
                     name);
        return -1;
    }
    values[i] = value;
    return 0;
}

static int check_count(const signature *s, Py_ssize_t n)
{
    if (n <= s->positional)
        return 0;
    PyErr_Format(PyExc_TypeError, "%s() takes %d positional arguments but %zd were given",
                 s->function, s->positional, n);
    return -1;
}

static int check_required(const signature *s, PyObject *const *values)
{
    for (int i = 0; i < s->required; i++) {
        if (values[i] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() missing required argument: '%s'", s->function,
                         s->names[i]);
            return -1;
        }
    }
    return 0;
}

int take_arguments(const signature *s, PyObject *const *args, Py_ssize_t n, PyObject *names,
                   PyObject **values)
{
    if (check_count(s, n) != 0)
        return -1;
    for (int i = 0; i < s->n; i++)
        values[i] = i < n ? args[i] : NULL;
    const Py_ssize_t named = names != NULL ? PyTuple_Size(names) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        if (put_named(s, PyTuple_GetItem(names, i), args[n + i], values) != 0)
            return -1;
    }
    return check_required(s, values);
}

int take_constructor(const signature *s, PyObject *args, PyObject *kwargs, PyObject **values)
{
    const Py_ssize_t n = PyTuple_Size(args);
    if (check_count(s, n) != 0)
        return -1;
    for (int i = 0; i < s->n; i++)
        values[i] = i < n ? PyTuple_GetItem(args, i) : NULL;
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (kwargs != NULL && PyDict_Next(kwargs, &at, &name, &value)) {
        if (put_named(s, name, value, values) != 0)
            return -1;
    }
    return check_required(s, values);
}

static bool is_absent(const PyObject *value)
{
    return value == NULL || value == Py_None;
}

PyObject *given(PyObject *value)
{
    return is_absent(value) ? NULL : value;
}

bool is_integer(PyObject *value)
{
    PyObject *index = PyIndex_Check(value) ? PyNumber_Index(value) : NULL;
    PyErr_Clear();
    Py_XDECREF(index);
    return index != NULL;
}

int need_u64(const char *name, PyObject *value, uint64_t *to)
{
    PyObject *index = PyNumber_Index(value);
    if (index == NULL) {
        PyErr_Format(PyExc_TypeError, "%s: an integer is needed, not %R", name,
                     (PyObject *)Py_TYPE(value));
        return -1;
    }
    const unsigned long long number = PyLong_AsUnsignedLongLong(index);
    Py_DECREF(index);
    if (number == (unsigned long long)-1 && PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%s: %R is not in 0 .. 2**64 - 1", name, value);
        return -1;
    }
    *to = number;
    return 0;
}

int need_u32(const char *name, PyObject *value, uint32_t *to)
{
    uint64_t number;
    if (need_u64(name, value, &number) != 0)
        return -1;
    if (number > UINT32_MAX) {
        PyErr_Format(PyExc_ValueError, "%s: %R is not in 0 .. 2**32 - 1", name, value);
        return -1;
    }
    *to = (uint32_t)number;
    return 0;
}

int to_u64(const char *name, PyObject *value, uint64_t *to)
{
    return is_absent(value) ? 0 : need_u64(name, value, to);
}

int to_u32(const char *name, PyObject *value, uint32_t *to)
{
    return is_absent(value) ? 0 : need_u32(name, value, to);
}

int to_bool(const char *name, PyObject *value, bool *to)
{
    (void)name;
    if (is_absent(value))
        return 0;
    const int truth = PyObject_IsTrue(value);
    if (truth < 0)
        return -1;
    *to = truth != 0;
    return 0;
}

int to_text(const char *name, PyObject *value, const char **to)
{
    if (is_absent(value))
        return 0;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s: a string is needed, not %R", name,
                     (PyObject *)Py_TYPE(value));
        return -1;
    }
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    if (text == NULL)
        return -1;
    if (strlen(text) != (size_t)size) {
        PyErr_Format(PyExc_ValueError, "%s: %R has a NUL in it", name, value);
        return -1;
    }
    *to = text;
    return 0;
}

int to_tuple(const char *name, PyObject *value, PyObject **tuple)
{
    *tuple = NULL;
    if (is_absent(value))
        return 0;
    *tuple = PySequence_Tuple(value);
    if (*tuple != NULL)
        return 0;
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Format(PyExc_TypeError, "%s: a sequence is needed, not %R", name,
                     (PyObject *)Py_TYPE(value));
    return -1;
}

/* A call of memset through a pointer that may change at any time: no compiler can leave it out. */
static void *(*const volatile overwrite)(void *, int, size_t) = memset;

void wipe(void *p, size_t size)
{
    if (size != 0)
        overwrite(p, 0, size);
}
