/* Clients' updates, as lists of tuples, for one call of an aggregator. */
#include "updates.h" /* Python.h must be the first */

#include <string.h>

/* The columns of parseal.Update; updates that are not sealed have the first two. */
enum { CLIENT, PAYLOAD, NONCE, TAG, AAD, KEY, PLAIN = PAYLOAD + 1, REQUIRED = TAG + 1 };

void updates_release(updates *u)
{
    many_release(&u->payloads);
    many_release(&u->aads);
    for (int c = 0; c < UPDATE_COLUMNS; c++)
        Py_XDECREF(u->columns[c]);
    PyMem_Free(u->rows);
}

/* What stands for a column that an update leaves out. */
static PyObject *default_of(int column)
{
    return column == KEY ? PyLong_FromLong(0) : PyBytes_FromStringAndSize(NULL, 0);
}

static int put_row(updates *u, size_t i, PyObject *row)
{
    const int columns = u->keys != NULL ? UPDATE_COLUMNS : PLAIN;
    const Py_ssize_t required = u->keys != NULL ? REQUIRED : PLAIN;
    const Py_ssize_t size = PyTuple_Check(row) ? PyTuple_Size(row) : -1;
    if (size < required || size > columns) {
        PyErr_Format(PyExc_TypeError,
                     u->keys != NULL ? "updates[%zu]: a parseal.Update is needed, not %R"
                                     : "updates[%zu]: a tuple (client, update) is needed, not %R",
                     i, (PyObject *)Py_TYPE(row));
        return -1;
    }
    for (int c = 0; c < columns; c++) {
        PyObject *cell = c < size ? PyTuple_GetItem(row, c) : default_of(c);
        if (c < size)
            Py_INCREF(cell);
        if (cell == NULL || PyTuple_SetItem(u->columns[c], (Py_ssize_t)i, cell) != 0)
            return -1;
    }
    return 0;
}

static int put_rows(updates *u, PyObject *list)
{
    PyObject *rows;
    if (!PyList_Check(list) && !PyTuple_Check(list)) {
        PyErr_Format(PyExc_TypeError, "updates: a list or a tuple is needed, not %R",
                     (PyObject *)Py_TYPE(list));
        return -1;
    }
    if (to_tuple("updates", list, &rows) != 0)
        return -1;
    u->n = (size_t)PyTuple_Size(rows);
    int status = 0;
    for (int c = 0; c < (u->keys != NULL ? UPDATE_COLUMNS : PLAIN) && status == 0; c++) {
        u->columns[c] = PyTuple_New((Py_ssize_t)u->n);
        status = u->columns[c] != NULL ? 0 : -1;
    }
    for (size_t i = 0; i < u->n && status == 0; i++)
        status = put_row(u, i, PyTuple_GetItem(rows, (Py_ssize_t)i));
    Py_DECREF(rows);
    return status;
}

/* Nonces or tags, into the rows. */
static int put_strings(core_state *state, const updates *u, int column, const char *name,
                       size_t size, size_t offset)
{
    byte_strings strings;
    if (byte_strings_take(state, &strings, name, u->columns[column], size) != 0)
        return -1;
    int status = 0;
    for (size_t i = 0; i < u->n && status == 0; i++)
        status = byte_strings_copy(state, &strings, name, i, (char *)&u->rows[i] + offset);
    byte_strings_release(&strings);
    return status;
}

static int put_sealed(core_state *state, updates *u)
{
    const parseal_alg *alg = keys_alg(u->keys);
    if (put_strings(state, u, NONCE, "nonce", alg->nonce_size, offsetof(parseal_update, nonce)) !=
            0 ||
        put_strings(state, u, TAG, "tag", alg->tag_size, offsetof(parseal_update, tag)) != 0 ||
        many_begin(&u->aads, "aad", u->columns[AAD]) != 0 ||
        many_take_host(state, &u->aads, PARSEAL_DLPACK_READ) != 0)
        return -1;
    for (size_t i = 0; i < u->n; i++) {
        parseal_update *row = &u->rows[i];
        const parseal_buf *aad = &u->aads.bufs[i];
        row->aad = (const void *)(aad->handle + aad->offset);
        row->aad_len = (size_t)aad->size;
        u->bytes += aad->size;
        if (need_u32("key", PyTuple_GetItem(u->columns[KEY], (Py_ssize_t)i), &row->key) != 0)
            return -1;
    }
    return 0;
}

static int put_clients(updates *u)
{
    for (size_t i = 0; i < u->n; i++) {
        parseal_update *row = &u->rows[i];
        const parseal_buf *in = &u->payloads.bufs[i];
        PyObject *client = PyTuple_GetItem(u->columns[CLIENT], (Py_ssize_t)i);
        row->in = (const void *)(in->handle + in->offset);
        row->len = (size_t)in->size;
        u->bytes += in->size;
        if (need_u64("client", client, &row->client) != 0)
            return -1;
    }
    return 0;
}

int updates_take(core_state *state, updates *u, held *keys, PyObject *list)
{
    memset(u, 0, sizeof *u);
    u->keys = keys;
    if (put_rows(u, list) != 0)
        return -1;
    u->rows = PyMem_Calloc(u->n + 1, sizeof *u->rows);
    if (u->rows == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (many_begin(&u->payloads, "update", u->columns[PAYLOAD]) != 0 ||
        many_take_host(state, &u->payloads, PARSEAL_DLPACK_READ) != 0 || put_clients(u) != 0)
        return -1;
    return keys != NULL ? put_sealed(state, u) : 0;
}

static const char *verdict_name(int32_t status)
{
    switch (status) {
    case PARSEAL_ITEM_OK:
        return "ok";
    case PARSEAL_ITEM_BAD_TAG:
        return "bad_tag";
    case PARSEAL_ITEM_COUNTED:
        return "counted";
    case PARSEAL_ITEM_BAD_LENGTH:
        return "bad_length";
    default:
        return "unset";
    }
}

PyObject *updates_verdicts(const updates *u)
{
    PyObject *verdicts = PyList_New((Py_ssize_t)u->n);
    for (size_t i = 0; verdicts != NULL && i < u->n; i++) {
        PyObject *verdict = PyUnicode_InternFromString(verdict_name(u->rows[i].status));
        if (verdict == NULL || PyList_SetItem(verdicts, (Py_ssize_t)i, verdict) != 0)
            Py_CLEAR(verdicts);
    }
    return verdicts;
}
