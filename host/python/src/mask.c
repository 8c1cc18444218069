/* mask_ and mask: masks added to an array, or alone. */
#include "core.h"

typedef struct {
    held *seeds;
    parseal_ring ring;
    parseal_vec vec;
    uint64_t first;
    const uint64_t *n; /* of elements that there must be, or NULL */
    streams stream;
} mask_call;

/* The ring of a call: the one that is given, or that of the masks, or that of the whole type. */
static int ring_of(core_state *state, PyObject *value, const held *seeds, uint32_t element_size,
                   parseal_ring *ring)
{
    if (given(value) != NULL || seeds_ring(seeds) == NULL)
        return to_ring(state, value, element_size, ring);
    *ring = *seeds_ring(seeds);
    return 0;
}

typedef parseal_status (*mask_function)(const parseal_seeds *, const parseal_ring *,
                                        const parseal_vec *, uint64_t, void *);

static int check_n(core_state *state, const mask_call *c, const char *name)
{
    if (c->n == NULL || c->vec.n == *c->n)
        return 0;
    raise_text(state, PARSEAL_ERR_SIZE, "%s: %llu elements, n is %llu", name,
               (unsigned long long)c->vec.n, (unsigned long long)*c->n);
    return -1;
}

static int run(core_state *state, mask_function function, const mask_call *c)
{
    const parseal_seeds *set = held_enter(c->seeds);
    if (set == NULL)
        return -1;
    parseal_status status;
    CALL(status, c->vec.buf.size, function(set, &c->ring, &c->vec, c->first, c->stream.stream));
    held_leave(c->seeds);
    return done(state, status);
}

/* Masks `target`, which is `name` to its caller, in place. */
static int mask_array(core_state *state, mask_function function, mask_call *c, const char *name,
                      PyObject *target, PyObject *ring)
{
    array a;
    if (array_take(state, &a, name, target, PARSEAL_DLPACK_WRITE) != 0)
        return -1;
    int status = -1;
    if (ring_of(state, ring, c->seeds, array_element_size(&a), &c->ring) == 0 &&
        array_vec(state, &a, c->ring.element_size, &c->vec) == 0 && check_n(state, c, name) == 0 &&
        stream_of(state, &c->stream, &a) == 0)
        status = run(state, function, c);
    array_release(&a);
    return status;
}

static PyObject *mask_in_place(PyObject *module, PyObject *const *args, Py_ssize_t n,
                               PyObject *names)
{
    static const signature s = SIGNATURE("mask_", 4, 2, "acc", "seeds", "ring", "first");
    PyObject *v[4];
    core_state *state = state_of_module(module);
    mask_call c = {.first = 0};
    if (take_arguments(&s, args, n, names, v) != 0 || to_u64("first", v[3], &c.first) != 0)
        return NULL;
    c.seeds = to_held("seeds", v[1], state->seeds);
    if (c.seeds == NULL || mask_array(state, parseal_mask_apply, &c, "acc", v[0], v[2]) != 0)
        return NULL;
    Py_INCREF(v[0]);
    return v[0];
}

static PyObject *mask_alone(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("mask", 3, 2, "seeds", "n", "ring", "first", "out");
    PyObject *v[5];
    core_state *state = state_of_module(module);
    uint64_t elements;
    mask_call c = {.first = 0, .n = &elements};
    if (take_arguments(&s, args, n, names, v) != 0 || need_u64("n", v[1], &elements) != 0 ||
        to_u64("first", v[3], &c.first) != 0)
        return NULL;
    c.seeds = to_held("seeds", v[0], state->seeds);
    if (c.seeds == NULL)
        return NULL;
    PyObject *out = given(v[4]);
    if (out != NULL) {
        Py_INCREF(out);
    } else {
        parseal_ring ring;
        if (ring_of(state, v[2], c.seeds, 4, &ring) != 0)
            return NULL;
        out = new_array("out", elements, NULL, ring.element_size == 4 ? "uint32" : "uint64");
        if (out == NULL)
            return NULL;
    }
    if (mask_array(state, parseal_mask_write, &c, "out", out, v[2]) != 0)
        Py_CLEAR(out);
    return out;
}

static PyMethodDef functions[] = {
    FUNCTION(
        "mask_", mask_in_place, 0,
        "mask_(acc, seeds, ring=None, first=0)\n--\n\n"
        "acc[i] = (acc[i] + the sum of the seeds' masks, each with its sign, at first + i) mod "
        "the\n"
        "ring's modulus: in place, in one pass over acc however many seeds there are.\n\n"
        "acc: int32, uint32, int64 or uint64, of any shape, contiguous, in host memory or on the\n"
        "  context's device. seeds: a Seeds. ring: None: of acc's whole type, or fcp's own.\n"
        "first: where acc begins in the whole mask, so that a vector may be cut.\n\n"
        "Returns acc. Raises ArgError (dtype, strides, a read-only array), SizeError,\n"
        "UnsupportedError (a device that is not the context's)."),
    FUNCTION("mask", mask_alone, 0,
             "mask(seeds, n, ring=None, *, first=0, out=None)\n--\n\n"
             "The masks alone: n elements of their sum mod the ring's modulus.\n\n"
             "ring: None: mod 2**32, or fcp's own. out: an array of n elements as mask_ takes "
             "them; None:\n"
             "a new NumPy array of uint32 (of uint64 where the ring has elements of 8 bytes).\n\n"
             "Returns out. Raises as mask_ does."),
    {NULL, NULL, 0, NULL}};

int add_mask(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
