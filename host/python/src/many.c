/* Many arrays of one argument, taken for one call. */
#include "core.h"

void many_release(many *m)
{
    for (size_t i = 0; i < m->taken; i++)
        array_release(&m->arrays[i]);
    PyMem_Free(m->arrays);
    PyMem_Free(m->vecs);
    PyMem_Free(m->bufs);
    Py_XDECREF(m->values);
}

int many_begin(many *m, const char *name, PyObject *values)
{
    *m = (many){.name = name};
    if (!PyList_Check(values) && !PyTuple_Check(values)) {
        PyErr_Format(PyExc_TypeError, "%s: a list or a tuple of arrays is needed, not %R", name,
                     (PyObject *)Py_TYPE(values));
        return -1;
    }
    /* A tuple of its own: another thread may change the caller's list. */
    m->values = PySequence_Tuple(values);
    if (m->values == NULL)
        return -1;
    m->n = (size_t)PyTuple_Size(m->values);
    m->arrays = PyMem_Calloc(m->n + 1, sizeof *m->arrays);
    m->vecs = PyMem_Calloc(m->n + 1, sizeof *m->vecs);
    m->bufs = PyMem_Calloc(m->n + 1, sizeof *m->bufs);
    if (m->arrays != NULL && m->vecs != NULL && m->bufs != NULL)
        return 0;
    PyErr_NoMemory();
    many_release(m);
    *m = (many){.name = name};
    return -1;
}

/* Takes the next one, under a name of its own, which is good until the one after it is taken. */
static array *take_next(core_state *state, many *m, int32_t access)
{
    const size_t i = m->taken;
    PyObject *value = PyTuple_GetItem(m->values, (Py_ssize_t)i);
    PyOS_snprintf(m->item, sizeof m->item, "%s[%llu]", m->name, (unsigned long long)i);
    if (array_take(state, &m->arrays[i], m->item, value, access) != 0)
        return NULL;
    m->taken++;
    return &m->arrays[i];
}

int many_take_vecs(core_state *state, many *m, const parseal_ring *ring, streams *stream)
{
    for (size_t i = 0; i < m->n; i++) {
        const array *a = take_next(state, m, PARSEAL_DLPACK_READ);
        if (a == NULL || array_vec(state, a, ring->element_size, &m->vecs[i]) != 0 ||
            stream_of(state, stream, a) != 0)
            return -1;
    }
    return 0;
}

int many_take_bufs(core_state *state, many *m, streams *stream)
{
    for (size_t i = 0; i < m->n; i++) {
        const array *a = take_next(state, m, PARSEAL_DLPACK_READ);
        if (a == NULL || array_buf(state, a, &m->bufs[i]) != 0 || stream_of(state, stream, a) != 0)
            return -1;
    }
    return 0;
}

int many_take_host(core_state *state, many *m, int32_t access)
{
    for (size_t i = 0; i < m->n; i++) {
        const array *a = take_next(state, m, access);
        if (a == NULL || array_buf(state, a, &m->bufs[i]) != 0)
            return -1;
        if (m->bufs[i].kind != PARSEAL_BUF_HOST) {
            raise_text(state, PARSEAL_ERR_UNSUPPORTED,
                       "%s: it is in a device's memory; this function takes arrays in host memory",
                       m->item);
            return -1;
        }
    }
    return 0;
}
