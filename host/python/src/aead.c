/* seal and open: batches of messages in host memory. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

/* -------------------------------------------------------------------------------- the batch -- */

/* Everything that a call takes, and its messages as the library has them. */
typedef struct {
    held *keys;
    const parseal_alg *alg;
    many in, out, aads;  /* begun where `values` is not NULL */
    PyObject *key_index; /* a tuple, or NULL */
    uint32_t key;        /* of all, where key_index is NULL */
    parseal_msg *msgs;
    size_t n;
    uint64_t bytes; /* of all messages */
} batch;

static void release(batch *b)
{
    many_release(&b->in);
    many_release(&b->out);
    many_release(&b->aads);
    PyMem_Free(b->msgs);
    Py_XDECREF(b->key_index);
}

static int check_n(core_state *state, const char *name, size_t n, const batch *b)
{
    if (n == b->n)
        return 0;
    raise_text(state, PARSEAL_ERR_SIZE, "%s: %zu for %zu messages", name, n, b->n);
    return -1;
}

/* Takes one array for each message, or nothing where `values` is NULL or None. */
static int take_each(core_state *state, const batch *b, many *m, const char *name, PyObject *values,
                     int32_t access)
{
    if (values == NULL || values == Py_None)
        return 0;
    if (many_begin(m, name, values) != 0)
        return -1;
    return check_n(state, name, m->n, b) != 0 ? -1 : many_take_host(state, m, access);
}

static int take_key_index(core_state *state, batch *b, PyObject *value)
{
    if (value == NULL || value == Py_None)
        return 0;
    if (is_integer(value))
        return to_u32("key_index", value, &b->key);
    if (to_tuple("key_index", value, &b->key_index) != 0)
        return -1;
    return check_n(state, "key_index", (size_t)PyTuple_Size(b->key_index), b);
}

/* The byte strings of one for each message, nonces or tags, into the messages. */
static int put_each(core_state *state, const batch *b, const char *name, PyObject *value,
                    size_t size, size_t offset)
{
    byte_strings strings;
    if (byte_strings_take(state, &strings, name, value, size) != 0)
        return -1;
    int status = check_n(state, name, strings.n, b);
    for (size_t i = 0; i < b->n && status == 0; i++)
        status = byte_strings_copy(state, &strings, name, i, (char *)&b->msgs[i] + offset);
    byte_strings_release(&strings);
    return status;
}

static void *start_of(const parseal_buf *buf)
{
    return (void *)(buf->handle + buf->offset);
}

static int put_key(const batch *b, size_t i)
{
    char name[48];
    b->msgs[i].key = b->key;
    if (b->key_index == NULL)
        return 0;
    PyOS_snprintf(name, sizeof name, "key_index[%llu]", (unsigned long long)i);
    return need_u32(name, PyTuple_GetItem(b->key_index, (Py_ssize_t)i), &b->msgs[i].key);
}

static int fill(core_state *state, batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        parseal_msg *msg = &b->msgs[i];
        const parseal_buf *in = &b->in.bufs[i];
        const parseal_buf *out = b->out.values != NULL ? &b->out.bufs[i] : in;
        if (out->size != in->size) {
            raise_text(state, PARSEAL_ERR_SIZE, "out[%zu]: %llu bytes for a message of %llu", i,
                       (unsigned long long)out->size, (unsigned long long)in->size);
            return -1;
        }
        msg->in = start_of(in);
        msg->out = start_of(out);
        msg->len = (size_t)in->size;
        b->bytes += in->size;
        if (b->aads.values != NULL) {
            msg->aad = start_of(&b->aads.bufs[i]);
            msg->aad_len = (size_t)b->aads.bufs[i].size;
            b->bytes += msg->aad_len;
        }
        if (put_key(b, i) != 0)
            return -1;
    }
    return 0;
}

typedef struct {
    PyObject *keys, *messages, *nonces, *tags, *aads, *key_index, *out;
} batch_arguments;

/* The caller releases the batch, whatever is returned. */
static int take(core_state *state, batch *b, const batch_arguments *a)
{
    memset(b, 0, sizeof *b);
    b->keys = to_held("keys", a->keys, state->keys);
    if (b->keys == NULL || many_begin(&b->in, "messages", a->messages) != 0)
        return -1;
    b->alg = keys_alg(b->keys);
    b->n = b->in.n;
    b->msgs = PyMem_Calloc(b->n + 1, sizeof *b->msgs);
    if (b->msgs == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    const bool in_place = a->out == NULL || a->out == Py_None;
    const int32_t access = in_place ? PARSEAL_DLPACK_WRITE : PARSEAL_DLPACK_READ;
    if (many_take_host(state, &b->in, access) != 0 ||
        take_each(state, b, &b->out, "out", a->out, PARSEAL_DLPACK_WRITE) != 0 ||
        take_each(state, b, &b->aads, "aads", a->aads, PARSEAL_DLPACK_READ) != 0 ||
        take_key_index(state, b, a->key_index) != 0 ||
        put_each(state, b, "nonces", a->nonces, b->alg->nonce_size, offsetof(parseal_msg, nonce)) !=
            0 ||
        (a->tags != NULL &&
         put_each(state, b, "tags", a->tags, b->alg->tag_size, offsetof(parseal_msg, tag)) != 0))
        return -1;
    return fill(state, b);
}

/* ------------------------------------------------------------------------------------- seal -- */

static PyObject *tags_of(const batch *b)
{
    PyObject *tags = PyList_New((Py_ssize_t)b->n);
    for (size_t i = 0; tags != NULL && i < b->n; i++) {
        PyObject *tag =
            PyBytes_FromStringAndSize((const char *)b->msgs[i].tag, (Py_ssize_t)b->alg->tag_size);
        if (tag == NULL || PyList_SetItem(tags, (Py_ssize_t)i, tag) != 0)
            Py_CLEAR(tags);
    }
    return tags;
}

static PyObject *run_seal(core_state *state, const batch *b)
{
    const parseal_keys *set = held_enter(b->keys);
    if (set == NULL)
        return NULL;
    parseal_status status;
    CALL(status, b->bytes, parseal_seal(set, b->msgs, b->n));
    held_leave(b->keys);
    return done(state, status) == 0 ? tags_of(b) : NULL;
}

static PyObject *seal(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s =
        SIGNATURE("seal", 3, 3, "keys", "messages", "nonces", "aads", "key_index", "out");
    PyObject *v[6];
    core_state *state = state_of_module(module);
    batch b;
    if (take_arguments(&s, args, n, names, v) != 0)
        return NULL;
    const batch_arguments a = {v[0], v[1], v[2], NULL, v[3], v[4], v[5]};
    PyObject *result = take(state, &b, &a) == 0 ? run_seal(state, &b) : NULL;
    release(&b);
    return result;
}

/* ------------------------------------------------------------------------------------- open -- */

static PyObject *verdicts_of(const batch *b)
{
    PyObject *verdicts = PyList_New((Py_ssize_t)b->n);
    for (size_t i = 0; verdicts != NULL && i < b->n; i++) {
        PyObject *verdict = PyBool_FromLong(b->msgs[i].status == PARSEAL_ITEM_OK);
        if (PyList_SetItem(verdicts, (Py_ssize_t)i, verdict) != 0)
            Py_CLEAR(verdicts);
    }
    return verdicts;
}

static PyObject *run_open(core_state *state, const batch *b, bool strict)
{
    const parseal_keys *set = held_enter(b->keys);
    if (set == NULL)
        return NULL;
    parseal_status status;
    CALL(status, b->bytes, parseal_open(set, b->msgs, b->n, NULL));
    held_leave(b->keys);
    if (status != PARSEAL_OK && status != PARSEAL_ERR_AUTH)
        return raise_status(state, status);
    PyObject *verdicts = verdicts_of(b);
    if (verdicts != NULL && status == PARSEAL_ERR_AUTH && strict) {
        raise_verdicts(state, verdicts);
        Py_CLEAR(verdicts);
    }
    return verdicts;
}

static PyObject *open_messages(PyObject *module, PyObject *const *args, Py_ssize_t n,
                               PyObject *names)
{
    static const signature s = SIGNATURE("open", 4, 4, "keys", "messages", "nonces", "tags", "aads",
                                         "key_index", "out", "strict");
    PyObject *v[8];
    core_state *state = state_of_module(module);
    batch b;
    bool strict = true;
    if (take_arguments(&s, args, n, names, v) != 0 || to_bool("strict", v[7], &strict) != 0)
        return NULL;
    const batch_arguments a = {v[0], v[1], v[2], v[3], v[4], v[5], v[6]};
    PyObject *result = take(state, &b, &a) == 0 ? run_open(state, &b, strict) : NULL;
    release(&b);
    return result;
}

static PyMethodDef functions[] = {
    FUNCTION(
        "seal", seal, 0,
        "seal(keys, messages, nonces, *, aads=None, key_index=None, out=None)\n--\n\n"
        "Encrypts and authenticates a batch of messages with AES-GCM.\n\n"
        "keys: a Keys. messages: a list or a tuple of arrays or bytes-like objects in host "
        "memory,\n"
        "  of any dtype, contiguous; they are encrypted in place where out is None.\n"
        "nonces: 12 bytes for each message: a sequence of bytes-like objects, or one with all of\n"
        "  them, one after another. NEVER use a nonce twice under one key.\n"
        "aads: associated data for each message, bytes-like; None: none.\n"
        "key_index: for each message the index of its key in keys, or one for all; None: 0.\n"
        "out: a list of writable arrays, with as many bytes as their messages.\n\n"
        "Returns list[bytes]: the tags, 16 bytes each. Arrays must not change while the call "
        "works.\n"
        "Raises ArgError (strides, a read-only array), SizeError, AliasError (an out overlaps\n"
        "anything but its own message), UnsupportedError (an array in a device's memory): then\n"
        "nothing was sealed."),
    FUNCTION(
        "open", open_messages, 0,
        "open(keys, messages, nonces, tags, *, aads=None, key_index=None, out=None, strict=True)\n"
        "--\n\n"
        "Verifies and decrypts what seal has made, by its arguments and the tags it has returned.\n"
        "Nothing of a message comes out before its tag was verified; of one that is not authentic\n"
        "the output is zeroed (in place: its ciphertext is lost), and the others are opened.\n\n"
        "tags: 16 bytes for each message, given as nonces are.\n"
        "strict: raise AuthError where a message was not authentic, after all were looked at; its\n"
        "  attribute `verdicts` is what is returned otherwise.\n\n"
        "Returns list[bool]: whether each was authentic. Raises AuthError, and as seal does."),
    {NULL, NULL, 0, NULL}};

int add_aead(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
