/* Byte strings: many of one length (keys, nonces, tags), and one of any length. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

static int take_whole(core_state *state, byte_strings *b, const char *name, PyObject *value)
{
    parseal_buf buf;
    if (array_take_buf(state, &b->whole, name, value, PARSEAL_DLPACK_READ, &buf) != 0)
        return -1;
    if (buf.kind == PARSEAL_BUF_HOST && buf.size % b->size == 0) {
        b->bytes = (const uint8_t *)buf.handle + buf.offset;
        b->n = buf.size / b->size;
        return 0;
    }
    if (buf.kind != PARSEAL_BUF_HOST)
        raise_text(state, PARSEAL_ERR_UNSUPPORTED, "%s: needed in host memory", name);
    else
        raise_text(state, PARSEAL_ERR_SIZE, "%s: %llu bytes are no multiple of %zu", name,
                   (unsigned long long)buf.size, b->size);
    array_release(&b->whole);
    return -1;
}

int byte_strings_take(core_state *state, byte_strings *b, const char *name, PyObject *value,
                      size_t size)
{
    b->sequence = NULL;
    b->bytes = NULL;
    b->size = size;
    if (!PyList_Check(value) && !PyTuple_Check(value))
        return take_whole(state, b, name, value);
    /* A tuple of its own: another thread may change the caller's list. */
    b->sequence = PySequence_Tuple(value);
    if (b->sequence == NULL)
        return -1;
    b->n = (size_t)PyTuple_Size(b->sequence);
    return 0;
}

int bytes_copy(core_state *state, const char *name, PyObject *value, void *to, size_t size)
{
    array a;
    parseal_buf buf;
    if (array_take_buf(state, &a, name, value, PARSEAL_DLPACK_READ, &buf) != 0)
        return -1;
    const bool fits = buf.kind == PARSEAL_BUF_HOST && buf.size == size;
    if (fits)
        memcpy(to, (const uint8_t *)buf.handle + buf.offset, size);
    else
        raise_text(state, PARSEAL_ERR_SIZE, "%s: %llu bytes%s, needed are %zu in host memory", name,
                   (unsigned long long)buf.size, buf.kind == PARSEAL_BUF_HOST ? "" : " of a device",
                   size);
    array_release(&a);
    return fits ? 0 : -1;
}

static int copy_one(core_state *state, const byte_strings *b, const char *name, size_t i, void *to)
{
    char item[48];
    PyOS_snprintf(item, sizeof item, "%s[%llu]", name, (unsigned long long)i);
    return bytes_copy(state, item, PyTuple_GetItem(b->sequence, (Py_ssize_t)i), to, b->size);
}

int byte_strings_copy(core_state *state, const byte_strings *b, const char *name, size_t i,
                      void *to)
{
    if (b->sequence != NULL)
        return copy_one(state, b, name, i, to);
    memcpy(to, b->bytes + i * b->size, b->size);
    return 0;
}

void byte_strings_release(byte_strings *b)
{
    if (b->sequence != NULL)
        Py_DECREF(b->sequence);
    else
        array_release(&b->whole);
}

const uint8_t *byte_strings_all(core_state *state, const byte_strings *b, const char *name,
                                uint8_t **copy)
{
    *copy = NULL;
    if (b->sequence == NULL)
        return b->bytes;
    /* A tuple of n pointers is in memory, so that n strings of a key's size do not overflow. */
    uint8_t *all = PyMem_Malloc(b->n * b->size + 1);
    if (all == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (size_t i = 0; i < b->n; i++) {
        if (copy_one(state, b, name, i, all + i * b->size) != 0) {
            wipe(all, i * b->size);
            PyMem_Free(all);
            return NULL;
        }
    }
    *copy = all;
    return all;
}

int bytes_take(core_state *state, array *a, const char *name, PyObject *value, const void **bytes,
               size_t *size)
{
    parseal_buf buf;
    a->buffer.obj = NULL;
    a->owner = NULL;
    *bytes = NULL;
    *size = 0;
    if (value == NULL)
        return 0;
    if (array_take_buf(state, a, name, value, PARSEAL_DLPACK_READ, &buf) != 0)
        return -1;
    if (buf.kind != PARSEAL_BUF_HOST) {
        array_release(a);
        raise_text(state, PARSEAL_ERR_UNSUPPORTED, "%s: needed in host memory", name);
        return -1;
    }
    /* Not NULL for no bytes: something was given. */
    *bytes = buf.size != 0 ? (const uint8_t *)buf.handle + buf.offset : (const void *)"";
    *size = (size_t)buf.size;
    return 0;
}
