/* parseal.secagg: Shamir's shares of secrets. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

#include "parseal/secagg.h"

/* ------------------------------------------------------------------------------------ share -- */

/* What each holder gets, as a list of bytearrays of `size` bytes. */
static PyObject *cut(const uint8_t *shares, uint32_t n, size_t size)
{
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (uint32_t i = 0; list != NULL && i < n; i++) {
        PyObject *one =
            PyByteArray_FromStringAndSize((const char *)shares + i * size, (Py_ssize_t)size);
        if (one == NULL || PyList_SetItem(list, (Py_ssize_t)i, one) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *share_all(core_state *state, const uint8_t *secrets, size_t count,
                           uint32_t threshold, uint32_t n)
{
    const size_t size = count * PARSEAL_SECRETBYTES; /* the secrets are in memory */
    if (n != 0 && size > (size_t)PY_SSIZE_T_MAX / n)
        return PyErr_NoMemory();
    uint8_t *shares = PyMem_Malloc(n * size + 1);
    if (shares == NULL)
        return PyErr_NoMemory();
    parseal_status status;
    CALL(status, n * size, parseal_shamir_share(secrets, count, threshold, n, shares));
    PyObject *list = done(state, status) == 0 ? cut(shares, n, size) : NULL;
    wipe(shares, n * size);
    PyMem_Free(shares);
    return list;
}

static PyObject *share(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("share", 3, 3, "secrets", "threshold", "n");
    PyObject *v[3];
    core_state *state = state_of_module(module);
    uint32_t threshold = 0, holders = 0;
    byte_strings secrets;
    uint8_t *copy;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        need_u32("threshold", v[1], &threshold) != 0 || need_u32("n", v[2], &holders) != 0 ||
        byte_strings_take(state, &secrets, "secrets", v[0], PARSEAL_SECRETBYTES) != 0)
        return NULL;
    PyObject *list = NULL;
    const uint8_t *all = byte_strings_all(state, &secrets, "secrets", &copy);
    if (all != NULL) {
        list = share_all(state, all, secrets.n, threshold, holders);
        if (copy != NULL)
            wipe(copy, secrets.n * secrets.size);
        PyMem_Free(copy);
    }
    byte_strings_release(&secrets);
    return list;
}

/* ---------------------------------------------------------------------------------- combine -- */

typedef struct {
    uint32_t *index;
    uint8_t *shares;
    size_t n, size; /* size of what one holder gave, in bytes */
} gathered;

static void release(gathered *g)
{
    if (g->shares != NULL)
        wipe(g->shares, g->n * g->size);
    PyMem_Free(g->shares);
    PyMem_Free(g->index);
}

static int gather_one(core_state *state, gathered *g, size_t i, PyObject *pair)
{
    char item[48];
    PyOS_snprintf(item, sizeof item, "shares[%llu]", (unsigned long long)i);
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2 ||
        !PyIndex_Check(PyTuple_GetItem(pair, 0))) {
        PyErr_Format(PyExc_TypeError, "%s: a tuple (holder, share) is needed, not %R", item,
                     (PyObject *)Py_TYPE(pair));
        return -1;
    }
    if (need_u32("holder", PyTuple_GetItem(pair, 0), &g->index[i]) != 0)
        return -1;
    return bytes_copy(state, item, PyTuple_GetItem(pair, 1), g->shares + i * g->size, g->size);
}

/* shares: a dictionary of holders' shares, or a sequence of pairs. The caller releases. */
static int gather(core_state *state, gathered *g, PyObject *shares, size_t count)
{
    PyObject *pairs = PyDict_Check(shares) ? PyDict_Items(shares) : NULL;
    PyObject *tuple = NULL;
    *g = (gathered){NULL, NULL, 0, 0};
    if (!PyErr_Occurred())
        to_tuple("shares", pairs != NULL ? pairs : shares, &tuple);
    Py_XDECREF(pairs);
    if (tuple == NULL) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "shares: a dict or a sequence is needed, not None");
        return -1;
    }
    const size_t n = (size_t)PyTuple_Size(tuple);
    int status = 0;
    if (count > SIZE_MAX / PARSEAL_SECRETBYTES / (n + 1)) {
        raise_text(state, PARSEAL_ERR_SIZE, "count: %zu secrets are too many", count);
        status = -1;
    } else {
        g->size = count * PARSEAL_SECRETBYTES;
        g->index = PyMem_Calloc(n + 1, sizeof *g->index);
        g->shares = PyMem_Calloc(n + 1, g->size + 1);
        status = g->index != NULL && g->shares != NULL ? 0 : (PyErr_NoMemory(), -1);
        g->n = n;
    }
    for (size_t i = 0; i < n && status == 0; i++)
        status = gather_one(state, g, i, PyTuple_GetItem(tuple, (Py_ssize_t)i));
    Py_DECREF(tuple);
    return status;
}

static PyObject *combine_all(core_state *state, const gathered *g, uint32_t threshold, size_t count)
{
    PyObject *secrets = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)g->size);
    if (secrets == NULL)
        return NULL;
    parseal_status status;
    uint8_t *to = (uint8_t *)PyByteArray_AsString(secrets);
    CALL(status, g->n * g->size,
         parseal_shamir_combine(g->index, g->shares, g->n, count, threshold, to));
    if (done(state, status) != 0)
        Py_CLEAR(secrets);
    return secrets;
}

static PyObject *combine(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("combine", 3, 2, "shares", "threshold", "count");
    PyObject *v[3];
    core_state *state = state_of_module(module);
    uint32_t threshold = 0;
    uint64_t count = 1;
    gathered g;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        need_u32("threshold", v[1], &threshold) != 0 || to_u64("count", v[2], &count) != 0)
        return NULL;
    PyObject *secrets = NULL;
    if (gather(state, &g, v[0], (size_t)count) == 0)
        secrets = combine_all(state, &g, threshold, (size_t)count);
    release(&g);
    return secrets;
}

static PyMethodDef functions[] = {
    FUNCTION("share", share, 0,
             "share(secrets, threshold, n)\n--\n\n"
             "Shares secrets of 32 bytes among n holders, so that any `threshold` of them recover "
             "them and\nfewer learn nothing.\n\n"
             "secrets: a sequence of bytes-like secrets, or one bytes-like object with all of "
             "them.\nthreshold, n: 1 <= threshold <= n <= 65535.\n\n"
             "Returns list[bytearray]: what holder 1 gets, then holder 2, ...: 32 bytes for each "
             "secret.\nRaises SizeError."),
    FUNCTION("combine", combine, 0,
             "combine(shares, threshold, count=1)\n--\n\n"
             "Recovers `count` secrets of what at least `threshold` holders have been given.\n\n"
             "shares: a dict of holder (1 .. 65535) to its share, or a sequence of such pairs. "
             "With more\nthan threshold all are checked against each other.\n\n"
             "Returns a bytearray of 32 bytes for each secret. Raises SizeError, ArgError (a "
             "holder twice),\nAuthError (the shares contradict each other)."),
    {NULL, NULL, 0, NULL}};

int add_shares(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
