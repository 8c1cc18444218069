/* parseal.Keys: sets of AES-GCM keys, and the names of algorithms. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

static void destroy(void *set)
{
    parseal_keys_destroy(set);
}

/* ------------------------------------------------------------------------------- algorithms -- */

enum { ALGS_END = 64 }; /* no release has so many */

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* Compares names of algorithms, in which dashes and capitals mean nothing. */
static bool is_same_alg(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '-')
            a++;
        while (*b == '-')
            b++;
        if (lower(*a) != lower(*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

static int refuse_alg(const char *name)
{
    char known[256] = "";
    size_t at = 0;
    for (int32_t i = 1; i < ALGS_END && at + 40 < sizeof known; i++) {
        parseal_alg info = PARSEAL_ALG_INIT;
        if (parseal_alg_info(i, &info) != PARSEAL_OK)
            continue;
        PyOS_snprintf(known + at, sizeof known - at, "%s%s", at != 0 ? ", " : "", info.name);
        at = strlen(known);
    }
    PyErr_Format(PyExc_ValueError, "alg: '%s' is none of %s", name, known);
    return -1;
}

int to_alg(const char *name, int32_t *alg)
{
    for (int32_t i = 1; i < ALGS_END; i++) {
        parseal_alg info = PARSEAL_ALG_INIT;
        if (parseal_alg_info(i, &info) == PARSEAL_OK && is_same_alg(name, info.name)) {
            *alg = i;
            return 0;
        }
    }
    return refuse_alg(name);
}

const parseal_alg *keys_alg(const held *keys)
{
    return keys->extra;
}

/* -------------------------------------------------------------------------------------- set -- */

typedef struct {
    int32_t alg;
    parseal_alg info;
    parseal_keys_options options;
} kind;

/* The set with the sizes of its algorithm. */
static PyObject *hold(PyTypeObject *type, parseal_keys *set, const kind *k, held *context)
{
    parseal_alg *info = PyMem_Malloc(sizeof *info);
    if (info == NULL) {
        destroy(set);
        return PyErr_NoMemory();
    }
    *info = k->info;
    held *made = held_new(type, set, destroy, (PyObject *)context, false);
    if (made == NULL)
        PyMem_Free(info);
    else
        made->extra = info;
    return (PyObject *)made;
}

static int create(core_state *state, const kind *k, PyObject *keys, parseal_ctx *ctx,
                  parseal_keys **set)
{
    byte_strings strings;
    uint8_t *copy;
    if (byte_strings_take(state, &strings, "keys", keys, k->info.key_size) != 0)
        return -1;
    int result = -1;
    const uint8_t *all = byte_strings_all(state, &strings, "keys", &copy);
    if (all != NULL) {
        parseal_status status;
        CALL(status, strings.n * strings.size,
             parseal_keys_create(set, ctx, k->alg, all, strings.n, &k->options));
        result = done(state, status);
        if (copy != NULL)
            wipe(copy, strings.n * strings.size);
        PyMem_Free(copy);
    }
    byte_strings_release(&strings);
    return result;
}

static PyObject *keys_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s = SIGNATURE("Keys", 2, 2, "alg", "keys", "own_pages", "ctx");
    PyObject *v[4];
    core_state *state = PyType_GetModuleState(type);
    kind k = {0, PARSEAL_ALG_INIT, PARSEAL_KEYS_OPTIONS_INIT};
    const char *alg = "";
    bool own_pages = false;
    parseal_ctx *ctx;
    if (take_constructor(&s, args, kwargs, v) != 0 || to_text("alg", v[0], &alg) != 0 ||
        to_alg(alg, &k.alg) != 0 || to_bool("own_pages", v[2], &own_pages) != 0)
        return NULL;
    k.options.own_pages = own_pages;
    parseal_alg_info(k.alg, &k.info);
    held *context = enter_context(state, v[3], &ctx);
    if (context == NULL)
        return NULL;
    parseal_keys *set = NULL;
    PyObject *made = NULL;
    if (create(state, &k, v[1], ctx, &set) == 0)
        made = hold(type, set, &k, context);
    held_leave(context);
    return made;
}

/* ------------------------------------------------------------------------------------- type -- */

static bool info_of(PyObject *self, parseal_set_info *info)
{
    const parseal_keys *set = held_enter((held *)self);
    if (set == NULL)
        return false;
    const parseal_status status = parseal_keys_info(set, info);
    held_leave((held *)self);
    return done(state_of(self), status) == 0;
}

static Py_ssize_t keys_length(PyObject *self)
{
    parseal_set_info info = PARSEAL_SET_INFO_INIT;
    return info_of(self, &info) ? (Py_ssize_t)info.n : -1;
}

static PyObject *keys_locked(PyObject *self, void *unused)
{
    (void)unused;
    parseal_set_info info = PARSEAL_SET_INFO_INIT;
    return info_of(self, &info) ? PyBool_FromLong(info.locked) : NULL;
}

static PyObject *keys_get_alg(PyObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromString(keys_alg((const held *)self)->name);
}

static PyMethodDef methods[] = {HELD_METHODS, {NULL, NULL, 0, NULL}};

static PyGetSetDef getters[] = {
    {"alg", keys_get_alg, NULL, "The algorithm's name, such as \"aes-256-gcm\".", NULL},
    {"locked", keys_locked, NULL,
     "True where the set lies in memory that is never written to a swap device.", NULL},
    HELD_CTX,
    {NULL, NULL, NULL, NULL, NULL}};

static const char doc[] =
    "Keys(alg, keys, *, own_pages=False, ctx=None)\n--\n\n"
    "Keys for seal and open, in guarded memory; len() says how many.\n\n"
    "alg: \"aes256gcm\" (keys of 32 bytes) or \"aes128gcm\" (16), with or without dashes.\n"
    "keys: a sequence of bytes-like keys, or one bytes-like object with all of them, one after\n"
    "  another; 1 to 2**32 - 1 keys. They are copied, and may be wiped at once.\n"
    "own_pages: the set has pages of its own, which are read-only once it is made.\n\n"
    "Any number of threads may use a set. It is wiped when it is closed or goes.\n\n"
    "Raises ValueError (alg), SizeError, NoMemoryError.";

static PyType_Slot slots[] = {SLOT(Py_tp_new, keys_new),
                              SLOT(Py_tp_dealloc, held_dealloc),
                              SLOT(Py_tp_methods, methods),
                              SLOT(Py_tp_getset, getters),
                              SLOT(Py_sq_length, keys_length),
                              SLOT(Py_tp_doc, doc),
                              {0, NULL}};

static PyType_Spec spec = {"parseal.Keys", sizeof(held), 0, Py_TPFLAGS_DEFAULT, slots};

int add_keys(PyObject *module)
{
    return add_type(module, &spec, &state_of_module(module)->keys);
}
