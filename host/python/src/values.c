/* parseal.Ring and parseal.Quant: values, compared and hashed as such. */
#include "core.h"

/* ------------------------------------------------------------------------------------- ring -- */

static PyObject *two_to_64(void)
{
    return PyLong_FromString("18446744073709551616", NULL, 10);
}

/* A modulus: 2 to 2^64, where the library knows 2^64 as 0. */
static int to_modulus(PyObject *value, uint64_t *modulus)
{
    PyObject *full = two_to_64();
    PyObject *index = PyNumber_Index(value); /* NumPy's own integers would wrap */
    PyErr_Clear();
    const bool is_full =
        full != NULL && index != NULL && PyObject_RichCompareBool(index, full, Py_EQ) > 0;
    Py_XDECREF(full);
    Py_XDECREF(index);
    *modulus = 0;
    if (is_full)
        return 0;
    if (need_u64("modulus", value, modulus) != 0)
        return -1;
    if (*modulus < 2) {
        PyErr_Format(PyExc_ValueError, "modulus: %R is not in 2 .. 2**64", value);
        return -1;
    }
    return 0;
}

static PyObject *ring_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s = SIGNATURE("Ring", 2, 1, "modulus", "element_size");
    PyObject *v[2];
    uint64_t modulus;
    if (take_constructor(&s, args, kwargs, v) != 0 || to_modulus(v[0], &modulus) != 0)
        return NULL;
    const bool small = modulus != 0 && modulus - 1 <= UINT32_MAX;
    uint32_t element_size = small ? 4 : 8;
    if (to_u32("element_size", v[1], &element_size) != 0)
        return NULL;
    if (element_size != 8 && (element_size != 4 || !small)) {
        PyErr_Format(PyExc_ValueError, "element_size: %u, needed is %s", element_size,
                     small ? "4 or 8" : "8");
        return NULL;
    }
    ring_object *made = (ring_object *)PyType_GenericAlloc(type, 0);
    if (made != NULL)
        made->ring = (parseal_ring){modulus, element_size, 0};
    return (PyObject *)made;
}

static PyObject *ring_modulus(PyObject *self, void *unused)
{
    (void)unused;
    const uint64_t modulus = ((const ring_object *)self)->ring.modulus;
    if (modulus != 0)
        return PyLong_FromUnsignedLongLong(modulus);
    return two_to_64();
}

static PyObject *ring_element_size(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(((const ring_object *)self)->ring.element_size);
}

static PyObject *ring_repr(PyObject *self)
{
    PyObject *modulus = ring_modulus(self, NULL);
    if (modulus == NULL)
        return NULL;
    PyObject *text = PyUnicode_FromFormat("parseal.Ring(%S, element_size=%u)", modulus,
                                          ((const ring_object *)self)->ring.element_size);
    Py_DECREF(modulus);
    return text;
}

static PyObject *ring_compare(PyObject *a, PyObject *b, int operation)
{
    if (Py_TYPE(a) != Py_TYPE(b) || (operation != Py_EQ && operation != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    const parseal_ring *x = &((const ring_object *)a)->ring, *y = &((const ring_object *)b)->ring;
    const bool equal = x->modulus == y->modulus && x->element_size == y->element_size;
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static Py_hash_t ring_hash(PyObject *self)
{
    const parseal_ring *ring = &((const ring_object *)self)->ring;
    const uint64_t mixed = (ring->modulus + ring->element_size) * UINT64_C(0x9e3779b97f4a7c15);
    return (Py_hash_t)(mixed >> 2);
}

static void value_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyGetSetDef ring_getters[] = {
    {"modulus", ring_modulus, NULL, "The modulus, 2 to 2**64.", NULL},
    {"element_size", ring_element_size, NULL, "Bytes that an element takes: 4 or 8.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static const char ring_doc[] =
    "Ring(modulus, element_size=None)\n--\n\n"
    "The integers mod `modulus`, which is 2 to 2**64, in arrays of int32 or uint32 (moduli of at\n"
    "most 2**32) or of int64 or uint64. element_size: 4 or 8 bytes; None: 4 where that will do.\n\n"
    "Elements that are read may have any value; those that are written are in 0 .. modulus - 1.\n"
    "Where a function is given no ring, it is that of the array's whole type: mod 2**32 or "
    "2**64.\n\n"
    "Raises ValueError.";

static PyType_Slot ring_slots[] = {SLOT(Py_tp_new, ring_new),
                                   SLOT(Py_tp_dealloc, value_dealloc),
                                   SLOT(Py_tp_getset, ring_getters),
                                   SLOT(Py_tp_repr, ring_repr),
                                   SLOT(Py_tp_richcompare, ring_compare),
                                   SLOT(Py_tp_hash, ring_hash),
                                   SLOT(Py_tp_doc, ring_doc),
                                   {0, NULL}};

static PyType_Spec ring_spec = {"parseal.Ring", sizeof(ring_object), 0, Py_TPFLAGS_DEFAULT,
                                ring_slots};

int add_ring(PyObject *module)
{
    return add_type(module, &ring_spec, &state_of_module(module)->ring);
}

int to_ring(core_state *state, PyObject *value, uint32_t element_size, parseal_ring *ring)
{
    if (value == NULL || value == Py_None) {
        *ring = (parseal_ring){element_size == 4 ? UINT64_C(1) << 32 : 0, element_size, 0};
        return 0;
    }
    if (Py_TYPE(value) != state->ring) {
        PyErr_Format(PyExc_TypeError, "ring: a parseal.Ring is needed, not %R",
                     (PyObject *)Py_TYPE(value));
        return -1;
    }
    *ring = ((const ring_object *)value)->ring;
    return 0;
}

/* ------------------------------------------------------------------------------------ quant -- */

static int to_rounding(const char *name, int32_t *rounding)
{
    if (PyOS_stricmp(name, "nearest") == 0)
        *rounding = PARSEAL_ROUND_NEAREST;
    else if (PyOS_stricmp(name, "stochastic") == 0)
        *rounding = PARSEAL_ROUND_STOCHASTIC;
    else {
        PyErr_Format(PyExc_ValueError, "rounding: '%s' is none of nearest, stochastic", name);
        return -1;
    }
    return 0;
}

/* Its bits are judged by the library at once, its clip by the calls that take it. */
static parseal_status check_bits(uint32_t bits)
{
    const parseal_ring any = {0, 8, 0};
    return parseal_quant_check(1, bits, &any, NULL);
}

static PyObject *quant_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static const signature s = SIGNATURE("Quant", 3, 1, "clip", "bits", "rounding");
    PyObject *v[3];
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const char *rounding = "stochastic";
    if (take_constructor(&s, args, kwargs, v) != 0 || to_u32("bits", v[1], &quant.bits) != 0 ||
        to_text("rounding", v[2], &rounding) != 0 || to_rounding(rounding, &quant.rounding) != 0)
        return NULL;
    const double clip = PyFloat_AsDouble(v[0]);
    if (clip == -1.0 && PyErr_Occurred())
        return NULL;
    quant.clip = (float)clip;
    if (done(PyType_GetModuleState(type), check_bits(quant.bits)) != 0)
        return NULL;
    quant_object *made = (quant_object *)PyType_GenericAlloc(type, 0);
    if (made != NULL)
        made->quant = quant;
    return (PyObject *)made;
}

static PyObject *quant_clip(PyObject *self, void *unused)
{
    (void)unused;
    return PyFloat_FromDouble((double)((const quant_object *)self)->quant.clip);
}

static PyObject *quant_bits(PyObject *self, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLong(((const quant_object *)self)->quant.bits);
}

static const char *rounding_name(const parseal_quant *quant)
{
    return quant->rounding == PARSEAL_ROUND_NEAREST ? "nearest" : "stochastic";
}

static PyObject *quant_rounding(PyObject *self, void *unused)
{
    (void)unused;
    return PyUnicode_FromString(rounding_name(&((const quant_object *)self)->quant));
}

static PyObject *quant_repr(PyObject *self)
{
    const parseal_quant *quant = &((const quant_object *)self)->quant;
    PyObject *clip = PyFloat_FromDouble((double)quant->clip);
    if (clip == NULL)
        return NULL;
    PyObject *text = PyUnicode_FromFormat("parseal.Quant(%R, bits=%u, rounding='%s')", clip,
                                          quant->bits, rounding_name(quant));
    Py_DECREF(clip);
    return text;
}

static PyObject *quant_check(PyObject *self, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("check", 2, 2, "n_clients", "ring", "noise", "weighted");
    PyObject *v[4];
    core_state *state = state_of(self);
    parseal_quant_check_options options = PARSEAL_QUANT_CHECK_OPTIONS_INIT;
    parseal_ring ring;
    uint64_t n_clients = 0;
    bool weighted = false;
    if (take_arguments(&s, args, n, names, v) != 0 ||
        need_u64("n_clients", v[0], &n_clients) != 0 || to_ring(state, v[1], 4, &ring) != 0 ||
        to_u64("noise", v[2], &options.noise) != 0 || to_bool("weighted", v[3], &weighted) != 0)
        return NULL;
    options.weighted = weighted;
    const uint32_t bits = ((const quant_object *)self)->quant.bits;
    if (done(state, parseal_quant_check(n_clients, bits, &ring, &options)) != 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef quant_methods[] = {
    FUNCTION("check", quant_check, 0,
             "check($self, n_clients, ring, *, noise=0, weighted=False)\n--\n\n"
             "Raises OverflowError_ where the sum of n_clients values may not fit the ring: it "
             "would wrap\n"
             "silently and give a wrong mean. noise: all noise in an element of the sum lies in\n"
             "-noise .. noise. weighted: an element of each client is its weight, up to 2**22."),
    {NULL, NULL, 0, NULL}};

static PyGetSetDef quant_getters[] = {
    {"clip", quant_clip, NULL, "Values are clipped to [-clip, clip]; a float32.", NULL},
    {"bits", quant_bits, NULL, "Bits of a quantised value: 1 to 24.", NULL},
    {"rounding", quant_rounding, NULL, "\"stochastic\" or \"nearest\".", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static const char quant_doc[] =
    "Quant(clip, bits=16, rounding=\"stochastic\")\n--\n\n"
    "How floats become integers: [-clip, clip] is mapped onto 0 .. 2**bits - 1.\n\n"
    "clip: above 0. bits: 1 to 24. rounding: \"stochastic\" (unbiased; needs a seed of its own) "
    "or\n"
    "\"nearest\".\n\nRaises ArgError; for a clip out of range, calls that take it do.";

static PyType_Slot quant_slots[] = {SLOT(Py_tp_new, quant_new),
                                    SLOT(Py_tp_dealloc, value_dealloc),
                                    SLOT(Py_tp_methods, quant_methods),
                                    SLOT(Py_tp_getset, quant_getters),
                                    SLOT(Py_tp_repr, quant_repr),
                                    SLOT(Py_tp_doc, quant_doc),
                                    {0, NULL}};

static PyType_Spec quant_spec = {"parseal.Quant", sizeof(quant_object), 0, Py_TPFLAGS_DEFAULT,
                                 quant_slots};

int add_quant(PyObject *module)
{
    return add_type(module, &quant_spec, &state_of_module(module)->quant);
}

int to_quant(core_state *state, PyObject *value, parseal_quant *quant)
{
    if (Py_TYPE(value) != state->quant) {
        PyErr_Format(PyExc_TypeError, "quant: a parseal.Quant is needed, not %R",
                     (PyObject *)Py_TYPE(value));
        return -1;
    }
    *quant = ((const quant_object *)value)->quant;
    return 0;
}
