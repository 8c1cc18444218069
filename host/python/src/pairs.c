/* parseal.secagg: X25519 keys, and the seeds that two clients share. */
#include "core.h" /* Python.h must be the first */

#include <string.h>

#include "parseal/secagg.h"

static PyObject *keypair(PyObject *module, PyObject *unused)
{
    (void)unused;
    uint8_t public_key[PARSEAL_X25519BYTES];
    PyObject *secret = PyByteArray_FromStringAndSize(NULL, PARSEAL_X25519BYTES);
    if (secret == NULL)
        return NULL;
    PyObject *pair = NULL;
    const parseal_status status =
        parseal_x25519_keypair(public_key, (uint8_t *)PyByteArray_AsString(secret));
    if (done(state_of_module(module), status) == 0)
        pair =
            Py_BuildValue("(y#O)", (const char *)public_key, (Py_ssize_t)sizeof public_key, secret);
    Py_DECREF(secret);
    return pair;
}

static PyObject *public_key_of(PyObject *module, PyObject *const *args, Py_ssize_t n,
                               PyObject *names)
{
    static const signature s = SIGNATURE("public_key", 1, 1, "secret");
    PyObject *v[1];
    core_state *state = state_of_module(module);
    uint8_t secret[PARSEAL_X25519BYTES], public_key[PARSEAL_X25519BYTES];
    if (take_arguments(&s, args, n, names, v) != 0 ||
        bytes_copy(state, "secret", v[0], secret, sizeof secret) != 0)
        return NULL;
    const parseal_status status = parseal_x25519_public_key(public_key, secret);
    wipe(secret, sizeof secret);
    if (done(state, status) != 0)
        return NULL;
    return PyBytes_FromStringAndSize((const char *)public_key, sizeof public_key);
}

/* ------------------------------------------------------------------------------------ pairs -- */

/* Takes a tuple (id, public_key). */
static int take_party(core_state *state, const char *name, PyObject *value, parseal_party *party)
{
    char item[64];
    if (!PyTuple_Check(value) || PyTuple_Size(value) != 2 ||
        !PyIndex_Check(PyTuple_GetItem(value, 0))) {
        PyErr_Format(PyExc_TypeError, "%s: a tuple (id, public_key) is needed, not %R", name,
                     (PyObject *)Py_TYPE(value));
        return -1;
    }
    PyOS_snprintf(item, sizeof item, "%s's id", name);
    if (need_u64(item, PyTuple_GetItem(value, 0), &party->id) != 0)
        return -1;
    PyOS_snprintf(item, sizeof item, "%s's public_key", name);
    return bytes_copy(state, item, PyTuple_GetItem(value, 1), party->public_key,
                      sizeof party->public_key);
}

/* What one client brings to all of its pairs. */
typedef struct {
    uint8_t secret[PARSEAL_X25519BYTES];
    parseal_party party;
    array round_array;
    const void *round;
    size_t round_size;
} own_side;

static int take_own(core_state *state, own_side *own, PyObject *secret, PyObject *party,
                    PyObject *round)
{
    if (take_party(state, "own", party, &own->party) != 0 ||
        bytes_copy(state, "secret", secret, own->secret, sizeof own->secret) != 0)
        return -1;
    if (bytes_take(state, &own->round_array, "round", given(round), &own->round,
                   &own->round_size) == 0)
        return 0;
    wipe(own->secret, sizeof own->secret);
    return -1;
}

static void release_own(own_side *own)
{
    wipe(own->secret, sizeof own->secret);
    array_release(&own->round_array);
}

static parseal_status seed_of(const own_side *own, const parseal_party *peer, parseal_seed *seed)
{
    return parseal_pair_seed(seed, own->secret, &own->party, peer, own->round, own->round_size);
}

static PyObject *pair_seed(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("pair_seed", 4, 3, "secret", "own", "peer", "round");
    PyObject *v[4];
    core_state *state = state_of_module(module);
    own_side own;
    parseal_party peer;
    parseal_seed seed;
    if (take_arguments(&s, args, n, names, v) != 0 || take_party(state, "peer", v[2], &peer) != 0 ||
        take_own(state, &own, v[0], v[1], v[3]) != 0)
        return NULL;
    PyObject *result = NULL;
    if (done(state, seed_of(&own, &peer, &seed)) == 0) {
        PyObject *key =
            PyByteArray_FromStringAndSize((const char *)seed.key, (Py_ssize_t)sizeof seed.key);
        if (key != NULL)
            result = Py_BuildValue("(Ni)", key, (int)seed.sign);
        wipe(&seed, sizeof seed);
    }
    release_own(&own);
    return result;
}

static int take_peers(core_state *state, PyObject *peers, parseal_party **parties, size_t *n)
{
    PyObject *tuple;
    if (!PyList_Check(peers) && !PyTuple_Check(peers)) {
        PyErr_Format(PyExc_TypeError, "peers: a list or a tuple is needed, not %R",
                     (PyObject *)Py_TYPE(peers));
        return -1;
    }
    if (to_tuple("peers", peers, &tuple) != 0)
        return -1;
    *n = (size_t)PyTuple_Size(tuple);
    *parties = PyMem_Calloc(*n + 1, sizeof **parties);
    int status = *parties != NULL ? 0 : (PyErr_NoMemory(), -1);
    for (size_t i = 0; i < *n && status == 0; i++) {
        char item[48];
        PyOS_snprintf(item, sizeof item, "peers[%llu]", (unsigned long long)i);
        status = take_party(state, item, PyTuple_GetItem(tuple, (Py_ssize_t)i), &(*parties)[i]);
    }
    Py_DECREF(tuple);
    if (status != 0)
        PyMem_Free(*parties);
    return status;
}

static parseal_status all_seeds(const own_side *own, const parseal_party *peers, size_t n,
                                parseal_seed *seeds)
{
    parseal_status status = PARSEAL_OK;
    for (size_t i = 0; i < n && status == PARSEAL_OK; i++)
        status = seed_of(own, &peers[i], &seeds[i]);
    return status;
}

static PyObject *seeds_of_pairs(core_state *state, const own_side *own, const parseal_party *peers,
                                size_t n, PyObject *ctx)
{
    parseal_seed *seeds = PyMem_Calloc(n + 1, sizeof *seeds);
    if (seeds == NULL)
        return PyErr_NoMemory();
    parseal_status status;
    PyObject *made = NULL;
    /* A multiplication on the curve takes as long as a call over many bytes. */
    Py_BEGIN_ALLOW_THREADS
    status = all_seeds(own, peers, n, seeds);
    Py_END_ALLOW_THREADS
    if (done(state, status) == 0)
        made = seeds_of(state, seeds, n, ctx);
    wipe(seeds, n * sizeof *seeds);
    PyMem_Free(seeds);
    return made;
}

static PyObject *pair_seeds(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s =
        SIGNATURE("pair_seeds", 4, 3, "secret", "own", "peers", "round", "ctx");
    PyObject *v[5];
    core_state *state = state_of_module(module);
    own_side own;
    parseal_party *peers;
    size_t n_peers;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        take_peers(state, v[2], &peers, &n_peers) != 0)
        return NULL;
    PyObject *made = NULL;
    if (take_own(state, &own, v[0], v[1], v[3]) == 0) {
        made = seeds_of_pairs(state, &own, peers, n_peers, v[4]);
        release_own(&own);
    }
    PyMem_Free(peers);
    return made;
}

static PyMethodDef functions[] = {
    {"keypair", keypair, METH_NOARGS,
     "keypair()\n--\n\n"
     "Draws an X25519 key pair. Returns (public key as bytes, secret key as a bytearray), 32 "
     "bytes\n"
     "each. Overwrite the secret when it is no longer needed: secret[:] = bytes(32)."},
    FUNCTION("public_key", public_key_of, 0,
             "public_key(secret)\n--\n\n"
             "The public key of a secret one, 32 bytes (RFC 7748), by which a secret that was\n"
             "recovered from shares can be checked."),
    FUNCTION(
        "pair_seed", pair_seed, 0,
        "pair_seed(secret, own, peer, round=b\"\")\n--\n\n"
        "The seed of the mask that `own` adds for its pair with `peer`, who gets the same with "
        "the\n"
        "opposite sign.\n\n"
        "secret: own's secret key, 32 bytes. own, peer: (id, public key). round: at most 1024 "
        "bytes\nthat identify the round.\n\n"
        "Returns (key as a bytearray of 32 bytes, sign). Raises SizeError, ArgError (the same ids; "
        "a\npublic key of small order)."),
    FUNCTION("pair_seeds", pair_seeds, 0,
             "pair_seeds(secret, own, peers, round=b\"\", *, ctx=None)\n--\n\n"
             "A Seeds of the pair_seed with each of peers, a list of (id, public key). The keys "
             "never\nreach Python. Raises as pair_seed does."),
    {NULL, NULL, 0, NULL}};

int add_pairs(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
