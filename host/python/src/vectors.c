/* sum_, packed_sum_, quantize, dequantize, pack, unpack, packed_size. */
#include "core.h"

static PyObject *same_again(PyObject *object, int status)
{
    if (status != 0)
        return NULL;
    Py_INCREF(object);
    return object;
}

/* ------------------------------------------------------------------------------------- sums -- */

/* The accumulator of a call, the ring and the streams. */
typedef struct {
    array acc;
    parseal_vec vec;
    parseal_ring ring;
    streams stream;
} accumulator;

static int take_acc(core_state *state, accumulator *a, PyObject *acc, PyObject *ring)
{
    a->stream = (streams){NULL, false, false};
    if (array_take(state, &a->acc, "acc", acc, PARSEAL_DLPACK_WRITE) != 0)
        return -1;
    if (to_ring(state, ring, array_element_size(&a->acc), &a->ring) == 0 &&
        array_vec(state, &a->acc, a->ring.element_size, &a->vec) == 0 &&
        stream_of(state, &a->stream, &a->acc) == 0)
        return 0;
    array_release(&a->acc);
    return -1;
}

static int run_sum(core_state *state, const accumulator *a, const many *m, PyObject *ctx_value)
{
    parseal_ctx *ctx;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return -1;
    parseal_status status;
    CALL(status, a->vec.buf.size,
         parseal_vec_sum(ctx, &a->ring, &a->vec, m->vecs, m->n, a->stream.stream));
    held_leave(context);
    return done(state, status);
}

static PyObject *sum_in_place(PyObject *module, PyObject *const *args, Py_ssize_t n,
                              PyObject *names)
{
    static const signature s = SIGNATURE("sum_", 3, 2, "acc", "vectors", "ring", "ctx");
    PyObject *v[4];
    core_state *state = state_of_module(module);
    accumulator a;
    many m;
    if (take_arguments(&s, args, n, names, v) != 0 || take_acc(state, &a, v[0], v[2]) != 0)
        return NULL;
    int status = many_begin(&m, "vectors", v[1]);
    if (status == 0) {
        status = many_take_vecs(state, &m, &a.ring, &a.stream);
        if (status == 0)
            status = run_sum(state, &a, &m, v[3]);
        many_release(&m);
    }
    array_release(&a.acc);
    return same_again(v[0], status);
}

static int run_packed_sum(core_state *state, const accumulator *a, const many *m, uint32_t bits,
                          PyObject *ctx_value)
{
    parseal_ctx *ctx;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return -1;
    parseal_status status;
    CALL(status, a->vec.buf.size,
         parseal_packed_sum(ctx, bits, &a->ring, &a->vec, m->bufs, m->n, a->stream.stream));
    held_leave(context);
    return done(state, status);
}

static PyObject *packed_sum_in_place(PyObject *module, PyObject *const *args, Py_ssize_t n,
                                     PyObject *names)
{
    static const signature s =
        SIGNATURE("packed_sum_", 4, 3, "acc", "packed", "bits", "ring", "ctx");
    PyObject *v[5];
    core_state *state = state_of_module(module);
    accumulator a;
    many m;
    uint32_t bits = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || need_u32("bits", v[2], &bits) != 0 ||
        take_acc(state, &a, v[0], v[3]) != 0)
        return NULL;
    int status = many_begin(&m, "packed", v[1]);
    if (status == 0) {
        status = many_take_bufs(state, &m, &a.stream);
        if (status == 0)
            status = run_packed_sum(state, &a, &m, bits, v[4]);
        many_release(&m);
    }
    array_release(&a.acc);
    return same_again(v[0], status);
}

/* ----------------------------------------------------------------------------- quantisation -- */

/* Two arrays, one read and one written, and the call's stream. */
typedef struct {
    array in, out;
    parseal_vec in_vec, out_vec;
    streams stream;
    PyObject *result; /* the array that is written: the caller's, or a new one; owned */
} pair;

static void pair_release(pair *p)
{
    array_release(&p->out);
    array_release(&p->in);
}

/* Takes `out`, or a new array like `in` where it is NULL or None. */
static int take_out(core_state *state, pair *p, PyObject *out, const char *dtype)
{
    const bool given = out != NULL && out != Py_None;
    if (given)
        Py_INCREF(out);
    p->result = given ? out : new_array("out", 0, &p->in, dtype);
    if (p->result == NULL)
        return -1;
    if (array_take(state, &p->out, "out", p->result, PARSEAL_DLPACK_WRITE) == 0) {
        if (stream_of(state, &p->stream, &p->in) == 0 && stream_of(state, &p->stream, &p->out) == 0)
            return 0;
        array_release(&p->out);
    }
    Py_CLEAR(p->result);
    return -1;
}

typedef struct {
    parseal_quant quant;
    uint64_t first;
    PyObject *seed; /* a Seeds, a key, or NULL */
} quantizing;

/* Enters the set of a Seeds, or makes one for this call of a key. */
static int enter_seed(core_state *state, const quantizing *q, parseal_ctx *ctx, held **entered,
                      parseal_seeds **set)
{
    *entered = NULL;
    *set = NULL;
    if (q->seed == NULL)
        return 0;
    if (Py_TYPE(q->seed) != state->seeds)
        return one_seed(state, "seed", q->seed, ctx, set);
    *set = held_enter((held *)q->seed);
    *entered = *set != NULL ? (held *)q->seed : NULL;
    return *set != NULL ? 0 : -1;
}

static int run_quantize(core_state *state, const quantizing *q, const pair *p, PyObject *ctx_value,
                        const parseal_buf *count)
{
    parseal_ctx *ctx;
    held *entered;
    parseal_seeds *set;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return -1;
    int result = -1;
    if (enter_seed(state, q, ctx, &entered, &set) == 0) {
        parseal_status status;
        CALL(status, p->in_vec.buf.size,
             parseal_quantize(ctx, &q->quant, &p->in_vec, &p->out_vec, set, q->first, count,
                              p->stream.stream));
        if (entered != NULL)
            held_leave(entered);
        else
            parseal_seeds_destroy(set);
        result = done(state, status);
    }
    held_leave(context);
    return result;
}

/* Counts what is not finite into the caller's array, or into *own where there is none. */
static int quantize_and_count(core_state *state, const quantizing *q, pair *p,
                              PyObject *array_value, uint64_t *own, PyObject *ctx_value)
{
    array a;
    parseal_buf count = parseal_host_buf(own, sizeof *own);
    if (array_value == NULL || array_value == Py_None)
        return run_quantize(state, q, p, ctx_value, &count);
    if (array_take_buf(state, &a, "nonfinite", array_value, PARSEAL_DLPACK_WRITE, &count) != 0)
        return -1;
    int status = stream_of(state, &p->stream, &a);
    if (status == 0)
        status = run_quantize(state, q, p, ctx_value, &count);
    array_release(&a);
    return status;
}

static PyObject *quantize(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s =
        SIGNATURE("quantize", 2, 2, "x", "quant", "seed", "first", "out", "nonfinite", "ctx");
    PyObject *v[7];
    core_state *state = state_of_module(module);
    quantizing q = {.first = 0};
    pair p = {.result = NULL};
    uint64_t nonfinite = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || to_quant(state, v[1], &q.quant) != 0 ||
        to_u64("first", v[3], &q.first) != 0 ||
        array_take(state, &p.in, "x", v[0], PARSEAL_DLPACK_READ) != 0)
        return NULL;
    q.seed = v[2] == Py_None ? NULL : v[2];
    if (array_floats(state, &p.in, &q.quant.float_type, &p.in_vec) != 0 ||
        take_out(state, &p, v[4], "uint32") != 0) {
        array_release(&p.in);
        return NULL;
    }
    q.quant.element_size = array_element_size(&p.out);
    int status = array_vec(state, &p.out, q.quant.element_size, &p.out_vec);
    if (status == 0)
        status = quantize_and_count(state, &q, &p, v[5], &nonfinite, v[6]);
    pair_release(&p);
    PyObject *result = NULL;
    if (status == 0 && given(v[5]) != NULL)
        result = PyTuple_Pack(2, p.result, v[5]);
    else if (status == 0)
        result = Py_BuildValue("(OK)", p.result, (unsigned long long)nonfinite);
    Py_DECREF(p.result);
    return result;
}

static int run_dequantize(core_state *state, const parseal_quant *quant, const pair *p,
                          uint64_t n_clients, PyObject *ctx_value)
{
    parseal_ctx *ctx;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return -1;
    parseal_status status;
    CALL(
        status, p->in_vec.buf.size,
        parseal_dequantize(ctx, quant, &p->in_vec, n_clients, &p->out_vec, NULL, p->stream.stream));
    held_leave(context);
    return done(state, status);
}

static PyObject *dequantize(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s =
        SIGNATURE("dequantize", 3, 3, "total", "quant", "n_clients", "out", "ctx");
    PyObject *v[5];
    core_state *state = state_of_module(module);
    parseal_quant quant;
    pair p = {.result = NULL};
    uint64_t n_clients = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || to_quant(state, v[1], &quant) != 0 ||
        need_u64("n_clients", v[2], &n_clients) != 0 ||
        array_take_vec(state, &p.in, "total", v[0], PARSEAL_DLPACK_READ, NULL, &p.in_vec) != 0)
        return NULL;
    quant.element_size = array_element_size(&p.in);
    if (take_out(state, &p, v[3], "float32") != 0) {
        array_release(&p.in);
        return NULL;
    }
    int32_t float_type = 0;
    int status = array_floats(state, &p.out, &float_type, &p.out_vec);
    if (status == 0 && float_type != PARSEAL_FLOAT32) {
        raise_text(state, PARSEAL_ERR_ARG, "out: float32 is needed");
        status = -1;
    }
    if (status == 0)
        status = run_dequantize(state, &quant, &p, n_clients, v[4]);
    pair_release(&p);
    if (status != 0)
        Py_CLEAR(p.result);
    return p.result;
}

/* ---------------------------------------------------------------------------------- packing -- */

static PyObject *packed_size(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("packed_size", 2, 2, "n", "bits");
    PyObject *v[2];
    uint64_t elements = 0, size;
    uint32_t bits = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || need_u64("n", v[0], &elements) != 0 ||
        need_u32("bits", v[1], &bits) != 0)
        return NULL;
    const parseal_status status = parseal_packed_size(elements, bits, &size);
    if (status != PARSEAL_OK)
        return raise_status(state_of_module(module), status);
    return PyLong_FromUnsignedLongLong(size);
}

/* A new bytearray of the size that n elements of `bits` bits have. */
static PyObject *new_packed(core_state *state, uint64_t n, uint32_t bits)
{
    uint64_t size;
    const parseal_status status = parseal_packed_size(n, bits, &size);
    if (status != PARSEAL_OK)
        return raise_status(state, status);
    if (size > (uint64_t)PY_SSIZE_T_MAX)
        return PyErr_NoMemory();
    return PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)size);
}

typedef struct {
    array elements, packed;
    parseal_vec vec;
    parseal_buf buf;
    uint32_t bits;
    streams stream;
} packing;

typedef parseal_status (*pack_function)(const packing *, parseal_ctx *);

static parseal_status call_pack(const packing *p, parseal_ctx *ctx)
{
    return parseal_pack(ctx, p->bits, array_element_size(&p->elements), &p->vec, &p->buf,
                        p->stream.stream);
}

static parseal_status call_unpack(const packing *p, parseal_ctx *ctx)
{
    return parseal_unpack(ctx, p->bits, array_element_size(&p->elements), &p->buf, &p->vec,
                          p->stream.stream);
}

static int run_packing(core_state *state, pack_function function, packing *p, PyObject *ctx_value)
{
    parseal_ctx *ctx;
    p->stream = (streams){NULL, false, false};
    if (stream_of(state, &p->stream, &p->elements) != 0 ||
        stream_of(state, &p->stream, &p->packed) != 0)
        return -1;
    held *context = enter_context(state, ctx_value, &ctx);
    if (context == NULL)
        return -1;
    parseal_status status;
    CALL(status, p->vec.buf.size, function(p, ctx));
    held_leave(context);
    return done(state, status);
}

static PyObject *pack(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("pack", 2, 2, "elements", "bits", "out", "ctx");
    PyObject *v[4];
    core_state *state = state_of_module(module);
    packing p = {.bits = 0};
    if (take_arguments(&s, args, n, names, v) != 0 || need_u32("bits", v[1], &p.bits) != 0 ||
        array_take_vec(state, &p.elements, "elements", v[0], PARSEAL_DLPACK_READ, NULL, &p.vec) !=
            0)
        return NULL;
    PyObject *out = given(v[2]);
    if (out != NULL)
        Py_INCREF(out);
    else
        out = new_packed(state, p.vec.n, p.bits);
    int status = -1;
    if (out != NULL &&
        array_take_buf(state, &p.packed, "out", out, PARSEAL_DLPACK_WRITE, &p.buf) == 0) {
        status = run_packing(state, call_pack, &p, v[3]);
        array_release(&p.packed);
    }
    array_release(&p.elements);
    if (status != 0)
        Py_CLEAR(out);
    return out;
}

static PyObject *unpack(PyObject *module, PyObject *const *args, Py_ssize_t n, PyObject *names)
{
    static const signature s = SIGNATURE("unpack", 3, 3, "packed", "bits", "n", "out", "ctx");
    PyObject *v[5];
    core_state *state = state_of_module(module);
    packing p = {.bits = 0};
    uint64_t elements = 0;
    if (take_arguments(&s, args, n, names, v) != 0 || need_u32("bits", v[1], &p.bits) != 0 ||
        need_u64("n", v[2], &elements) != 0 ||
        array_take_buf(state, &p.packed, "packed", v[0], PARSEAL_DLPACK_READ, &p.buf) != 0)
        return NULL;
    PyObject *out = given(v[3]);
    if (out != NULL)
        Py_INCREF(out);
    else if (p.packed.tensor.device.device_type != kDLCPU)
        PyErr_SetString(PyExc_ValueError, "out: needed where packed is in a device's memory");
    else
        out = new_array("out", elements, NULL, p.bits <= 32 ? "uint32" : "uint64");
    int status = -1;
    if (out != NULL && !PyErr_Occurred() &&
        array_take_vec(state, &p.elements, "out", out, PARSEAL_DLPACK_WRITE, NULL, &p.vec) == 0) {
        if (p.vec.n == elements)
            status = run_packing(state, call_unpack, &p, v[4]);
        else
            raise_text(state, PARSEAL_ERR_SIZE, "out: %llu elements, n is %llu",
                       (unsigned long long)p.vec.n, (unsigned long long)elements);
        array_release(&p.elements);
    }
    array_release(&p.packed);
    if (status != 0)
        Py_CLEAR(out);
    return out;
}

static PyMethodDef functions[] = {
    FUNCTION(
        "sum_", sum_in_place, 0,
        "sum_(acc, vectors, ring=None, *, ctx=None)\n--\n\n"
        "acc[i] = (acc[i] + the sum of the vectors at i) mod the ring's modulus, in place and in\n"
        "one pass over acc.\n\n"
        "acc, vectors: int32, uint32, int64 or uint64, contiguous, with as many elements each.\n"
        "ring: None: of acc's whole type. ctx: None: default_context().\n\n"
        "Returns acc. Raises ArgError, SizeError, AliasError (a vector overlaps acc),\n"
        "UnsupportedError."),
    FUNCTION("packed_sum_", packed_sum_in_place, 0,
             "packed_sum_(acc, packed, bits, ring=None, *, ctx=None)\n--\n\n"
             "sum_ of vectors that are packed, as by pack, with `bits` bits an element, without\n"
             "unpacking them to memory. packed: a list of bytes-like objects or arrays.\n\n"
             "Returns acc. Raises as sum_ does."),
    FUNCTION(
        "quantize", quantize, 0,
        "quantize(x, quant, *, seed=None, first=0, out=None, nonfinite=None, ctx=None)\n--\n\n"
        "The integers that stand for the floats of x, by quant (a Quant).\n\n"
        "x: float32, float16 or bfloat16 (of PyTorch, JAX or ml_dtypes), contiguous.\n"
        "seed: where rounding is stochastic, a key of 32 bytes or a Seeds of one, which must\n"
        "  never be used for a mask, nor twice with one `first`; else None.\n"
        "first: x's place in the seed's stream, in elements, so that a vector may be cut.\n"
        "out: an integer array with as many elements; None: a new NumPy array of uint32 in x's\n"
        "  shape.\n"
        "nonfinite: an array of 8 bytes that receives the count; on a device, where x and out are\n"
        "  there, nothing is waited for. None: it is returned as an int.\n\n"
        "Returns (out, nonfinite): how many values were not finite, and counted as 0.\n"
        "Raises ArgError (dtype; seed given or missing against the rounding), SizeError."),
    FUNCTION(
        "dequantize", dequantize, 0,
        "dequantize(total, quant, n_clients, *, out=None, ctx=None)\n--\n\n"
        "The mean of n_clients quantised vectors, of their sum `total` (integers, not reduced).\n\n"
        "out: float32 with as many elements; None: a new NumPy array in total's shape.\n\n"
        "Returns out. Raises ArgError (n_clients is 0), SizeError."),
    FUNCTION("packed_size", packed_size, 0,
             "packed_size(n, bits)\n--\n\n"
             "The bytes that n elements of `bits` bits take: ceil(n * bits / 8)."),
    FUNCTION(
        "pack", pack, 0,
        "pack(elements, bits, *, out=None, ctx=None)\n--\n\n"
        "The low `bits` bits of each element as a little-endian bit stream, the last byte padded\n"
        "with zeros. elements: integers of 4 or 8 bytes. bits: 1 to 32, or 64.\n"
        "out: writable bytes of exactly packed_size(n, bits); None: a new bytearray.\n\n"
        "Returns out. Raises ArgError (bits), SizeError."),
    FUNCTION(
        "unpack", unpack, 0,
        "unpack(packed, bits, n, *, out=None, ctx=None)\n--\n\n"
        "The n elements that pack has packed. out: integers of 4 or 8 bytes, n of them; None: a\n"
        "new NumPy array of uint32, or of uint64 where bits is above 32.\n\n"
        "Returns out. Raises ArgError (bits), SizeError."),
    {NULL, NULL, 0, NULL}};

int add_vectors(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
