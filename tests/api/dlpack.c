/* Tensors of DLPack as buffers: every rule and refusal of parseal/dlpack.h for a DLTensor. What is
 * refused leaves every output as it was. Shapes and strides are those that NumPy 2.4 and JAX 0.10
 * give. */
#include "parseal/dlpack.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "run.h"

/* A tensor that a test changes: 2 x 3 elements of 8-byte-aligned host memory. */
typedef struct {
    uint64_t memory[16];
    int64_t shape[4], strides[4];
    DLTensor t;
} sample;

static sample *sample_of(sample *s, uint8_t code, uint8_t bits)
{
    memset(s, 0, sizeof *s);
    s->shape[0] = 2, s->shape[1] = 3;
    s->strides[0] = 3, s->strides[1] = 1;
    s->t = (DLTensor){s->memory, {kDLCPU, 0}, 2, {code, bits, 1}, s->shape, s->strides, 0};
    return s;
}

/* The host's integers are ring elements. */
static bool is_little_endian(void)
{
    const uint32_t x = 1;
    uint8_t first;
    memcpy(&first, &x, 1);
    return first == 1;
}

/* ------------------------------------------------------------------------------ what is given */

static void buf_taken(const DLTensor *t, uint32_t kind, uintptr_t handle, uint64_t offset,
                      uint64_t size)
{
    parseal_buf buf;
    memset(&buf, UNTOUCHED, sizeof buf);
    assert_ok_silently(parseal_dlpack_buf("in", t, &buf));
    assert_int_equal(buf.kind, kind);
    assert_int_equal(buf.reserved, 0);
    assert_int_equal(buf.handle, handle);
    assert_int_equal(buf.offset, offset);
    assert_int_equal(buf.size, size);
}

static void buf_refused(const DLTensor *t, parseal_status want, const char *name)
{
    parseal_buf buf;
    memset(&buf, UNTOUCHED, sizeof buf);
    assert_error(parseal_dlpack_buf("in", t, &buf), want, name);
    assert_filled(&buf, sizeof buf, UNTOUCHED);
}

static void vec_taken(const DLTensor *t, uint32_t size, const void *at, uint64_t n)
{
    parseal_vec vec;
    const parseal_vec want = parseal_host_vec(at, n, size);
    memset(&vec, UNTOUCHED, sizeof vec);
    if (n > 0 && !is_little_endian()) {
        assert_error(parseal_dlpack_vec("acc", t, size, &vec), PARSEAL_ERR_UNSUPPORTED, "acc");
        assert_filled(&vec, sizeof vec, UNTOUCHED);
        return;
    }
    assert_ok_silently(parseal_dlpack_vec("acc", t, size, &vec));
    assert_memory_equal(&vec, &want, sizeof vec);
}

static void vec_refused(const DLTensor *t, uint32_t size, parseal_status want, const char *name)
{
    parseal_vec vec;
    memset(&vec, UNTOUCHED, sizeof vec);
    assert_error(parseal_dlpack_vec("acc", t, size, &vec), want, name);
    assert_filled(&vec, sizeof vec, UNTOUCHED);
}

/* No elements: a buffer of no bytes, of the device's kind. */
static void empty_taken(const DLTensor *t, uint32_t size, uint32_t kind)
{
    parseal_vec vec;
    const parseal_vec want = {.buf.kind = kind};
    memset(&vec, UNTOUCHED, sizeof vec);
    assert_ok(parseal_dlpack_vec("acc", t, size, &vec));
    assert_memory_equal(&vec, &want, sizeof vec);
    buf_taken(t, kind, 0, 0, 0);
}

static void floats_taken(const DLTensor *t, int32_t float_type, uint32_t size, const void *at,
                         uint64_t n)
{
    parseal_vec vec;
    int32_t type = -1;
    const parseal_vec want = parseal_host_vec(at, n, size);
    memset(&vec, UNTOUCHED, sizeof vec);
    assert_ok_silently(parseal_dlpack_floats("x", t, &type, &vec));
    assert_int_equal(type, float_type);
    assert_memory_equal(&vec, &want, sizeof vec);
}

static void floats_refused(const DLTensor *t, parseal_status want, const char *name)
{
    parseal_vec vec;
    int32_t type = -1;
    memset(&vec, UNTOUCHED, sizeof vec);
    assert_error(parseal_dlpack_floats("x", t, &type, &vec), want, name);
    assert_int_equal(type, -1);
    assert_filled(&vec, sizeof vec, UNTOUCHED);
}

static void nulls(void **state)
{
    (void)state;
    sample s;
    parseal_buf buf;
    parseal_vec vec;
    int32_t type;
    const DLTensor *t = &sample_of(&s, kDLFloat, 32)->t;
    assert_error(parseal_dlpack_buf("in", NULL, &buf), PARSEAL_ERR_ARG, "in");
    assert_error(parseal_dlpack_buf("in", t, NULL), PARSEAL_ERR_ARG, "buf");
    assert_error(parseal_dlpack_vec("acc", NULL, 4, &vec), PARSEAL_ERR_ARG, "acc");
    assert_error(parseal_dlpack_floats("x", NULL, &type, &vec), PARSEAL_ERR_ARG, "x");
    assert_error(parseal_dlpack_floats("x", t, NULL, &vec), PARSEAL_ERR_ARG, "float_type");
    assert_error(parseal_dlpack_floats("x", t, &type, NULL), PARSEAL_ERR_ARG, "vec");
    assert_error(parseal_dlpack_buf(NULL, NULL, &buf), PARSEAL_ERR_ARG, "tensor");
    assert_error(parseal_dlpack_vec(NULL, t, 4, &vec), PARSEAL_ERR_ARG, "tensor.dtype");
    s.t.ndim = -1;
    assert_error(parseal_dlpack_floats(NULL, t, &type, &vec), PARSEAL_ERR_ARG, "tensor.ndim");
    sample_of(&s, kDLUInt, 32);
    assert_error(parseal_dlpack_vec("acc", t, 4, NULL), PARSEAL_ERR_ARG, "vec");
    static const uint32_t sizes[] = {0, 1, 2, 3, 5, 16, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        vec_refused(t, sizes[i], PARSEAL_ERR_ARG, "element_size");
}

/* -------------------------------------------------------------------------------------- dtypes */

/* Each type of DLPack's and some that it does not have, in all widths and lanes: against the rule
 * said in other words. */
static void dtypes(void **state)
{
    (void)state;
    static const uint8_t widths[] = {0, 1, 4, 6, 7, 8, 16, 24, 32, 64, 128, 255};
    static const uint16_t lanes[] = {0, 1, 2, 3, 4, 8, UINT16_MAX};
    enum { HANDLE = 3, BEYOND = 20 };
    sample s;
    for (unsigned code = 0; code <= BEYOND; code++)
        for (size_t w = 0; w < COUNT_OF(widths); w++)
            for (size_t l = 0; l < COUNT_OF(lanes); l++) {
                const uint8_t bits = widths[w];
                const DLTensor *t = &sample_of(&s, (uint8_t)code, bits)->t;
                const uint64_t all = (uint64_t)bits * lanes[l];
                const bool is_one = lanes[l] == 1;
                s.t.dtype.lanes = lanes[l];
                if (code != HANDLE && all >= 8 && (all & 7) == 0)
                    buf_taken(t, PARSEAL_BUF_HOST, (uintptr_t)s.memory, 0, 6 * all / 8);
                else
                    buf_refused(t, PARSEAL_ERR_ARG, "in.dtype");
                for (uint32_t size = 4; size <= 8; size += 4)
                    if (is_one && code <= 1 && bits == (size == 4 ? 32 : 64))
                        vec_taken(t, size, s.memory, 6);
                    else
                        vec_refused(t, size, PARSEAL_ERR_ARG, "acc.dtype");
                if (is_one && code == 2 && bits == 32)
                    floats_taken(t, PARSEAL_FLOAT32, 4, s.memory, 6);
                else if (is_one && code == 2 && bits == 16)
                    floats_taken(t, PARSEAL_FLOAT16, 2, s.memory, 6);
                else if (is_one && code == 4 && bits == 16)
                    floats_taken(t, PARSEAL_BFLOAT16, 2, s.memory, 6);
                else
                    floats_refused(t, PARSEAL_ERR_ARG, "x.dtype");
            }
}

/* The text says what the type is, as NumPy and ml_dtypes call it, and what is taken. */
static void dtypes_by_name(void **state)
{
    (void)state;
    static const struct {
        DLDataType dtype;
        const char *name;
    } all[] = {
        {{kDLInt, 16, 1}, "int16"},
        {{kDLUInt, 8, 1}, "uint8"},
        {{kDLFloat, 64, 1}, "float64"},
        {{kDLOpaqueHandle, 64, 1}, "handle64"},
        {{kDLBfloat, 32, 1}, "bfloat32"},
        {{kDLComplex, 128, 1}, "complex128"},
        {{kDLBool, 8, 1}, "bool"},
        {{kDLBool, 1, 1}, "bool of 1 bits"},
        {{kDLFloat8_e3m4, 8, 1}, "float8_e3m4"},
        {{kDLFloat8_e4m3, 8, 1}, "float8_e4m3"},
        {{kDLFloat8_e4m3b11fnuz, 8, 1}, "float8_e4m3b11fnuz"},
        {{kDLFloat8_e4m3fn, 8, 1}, "float8_e4m3fn"},
        {{kDLFloat8_e4m3fnuz, 8, 1}, "float8_e4m3fnuz"},
        {{kDLFloat8_e5m2, 8, 1}, "float8_e5m2"},
        {{kDLFloat8_e5m2fnuz, 8, 1}, "float8_e5m2fnuz"},
        {{kDLFloat8_e8m0fnu, 8, 1}, "float8_e8m0fnu"},
        {{kDLFloat6_e2m3fn, 6, 1}, "float6_e2m3fn"},
        {{kDLFloat6_e3m2fn, 6, 1}, "float6_e3m2fn"},
        {{kDLFloat4_e2m1fn, 4, 2}, "float4_e2m1fnx2"},
        {{kDLFloat4_e2m1fn, 8, 1}, "float4_e2m1fn of 8 bits"},
        {{kDLInt, 4, 2}, "int4x2"},
        {{kDLUInt, 32, 0}, "uint32x0"},
        {{18, 8, 1}, "type code 18 of 8 bits"},
        {{255, 255, UINT16_MAX}, "type code 255 of 255 bitsx65535"},
    };
    sample s;
    char want[128];
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        const DLTensor *t = &sample_of(&s, 0, 0)->t;
        s.t.dtype = all[i].dtype;
        vec_refused(t, 4, PARSEAL_ERR_ARG, "acc.dtype");
        snprintf(want, sizeof want, "acc.dtype: %s, int32 or uint32 expected", all[i].name);
        assert_string_equal(parseal_last_error_text(), want);
    }
    vec_refused(&sample_of(&s, kDLInt, 32)->t, 8, PARSEAL_ERR_ARG, "int64 or uint64 expected");
    floats_refused(&s.t, PARSEAL_ERR_ARG, "int32, float32, bfloat16 or float16 expected");
}

/* -------------------------------------------------------------------------- shapes and strides */

/* A tensor of memory that is its own, with n axes. */
static void shape_of(sample *s, int32_t n, const int64_t *shape, const int64_t *strides)
{
    memcpy(s->shape, shape, sizeof s->shape);
    s->t.ndim = n;
    s->t.strides = strides == NULL ? NULL : s->strides;
    if (strides != NULL)
        memcpy(s->strides, strides, sizeof s->strides);
}

static void shapes(void **state)
{
    (void)state;
    enum { ANY = 77 };
    static const struct {
        int32_t ndim;
        int64_t shape[4], strides[4];
        int64_t n; /* -1: not contiguous */
    } all[] = {
        {1, {1}, {1}, 1},
        {1, {1}, {ANY}, 1},
        {1, {7}, {1}, 7},
        {2, {3, 4}, {4, 1}, 12},
        {2, {4, 3}, {1, 4}, -1},         /* a.T */
        {2, {3, 4}, {1, 3}, -1},         /* Fortran's order */
        {2, {2, 4}, {8, 1}, -1},         /* a[::2] */
        {2, {3, 4}, {-4, 1}, -1},        /* a[::-1] */
        {1, {5}, {-1}, -1},              /* a[::-1] */
        {1, {5}, {INT64_MIN}, -1},       /**/
        {2, {3, 4}, {0, 1}, -1},         /* broadcast_to */
        {1, {2}, {0}, -1},               /**/
        {2, {3, 1}, {4, 1}, -1},         /* a[:, 1:2] */
        {2, {3, 1}, {1, ANY}, 3},        /**/
        {2, {1, 3}, {1, 4}, -1},         /* a.T[:1] */
        {2, {1, 3}, {ANY, 1}, 3},        /**/
        {3, {3, 1, 4}, {4, 0, 1}, 12},   /* a[:, None] */
        {3, {3, 1, 4}, {4, -9, 1}, 12},  /**/
        {3, {1, 1, 1}, {ANY, 0, -1}, 1}, /**/
        {3, {2, 3, 2}, {6, 2, 1}, 12},
        {3, {2, 3, 2}, {6, 2, 2}, -1},
        {3, {2, 3, 2}, {6, 3, 1}, -1},
        {3, {2, 3, 2}, {7, 2, 1}, -1},
        {4, {1, 2, 1, 3}, {6, 3, 3, 1}, 6},
        {2, {0, 3}, {0, 0}, 0}, /* NumPy; JAX: {3, 1} */
        {2, {0, 3}, {3, 1}, 0},
        {2, {3, 0}, {ANY, -ANY}, 0},
        {1, {0}, {ANY}, 0},
    };
    sample s;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        sample_of(&s, kDLUInt, 32);
        shape_of(&s, all[i].ndim, all[i].shape, all[i].strides);
        if (all[i].n >= 0) {
            vec_taken(&s.t, 4, all[i].n > 0 ? s.memory : NULL, (uint64_t)all[i].n);
        } else {
            vec_refused(&s.t, 4, PARSEAL_ERR_ARG, "acc.strides");
            s.t.dtype.code = kDLFloat;
            buf_refused(&s.t, PARSEAL_ERR_ARG, "in.strides");
            floats_refused(&s.t, PARSEAL_ERR_ARG, "x.strides");
        }
    }
    sample_of(&s, kDLFloat, 32);
    shape_of(&s, 2, (const int64_t[4]){2, 3}, (const int64_t[4]){1, 2});
    floats_refused(&s.t, PARSEAL_ERR_ARG, "(1, 2) for shape (2, 3)");
    assert_non_null(strstr(parseal_last_error_text(), "axis 1 needs 1: make it contiguous"));
    shape_of(&s, 2, (const int64_t[4]){2, 3}, (const int64_t[4]){4, 1});
    floats_refused(&s.t, PARSEAL_ERR_ARG, "axis 0 needs 3");
}

/* No axes, and arrays that are not there. */
static void shapes_of_null(void **state)
{
    (void)state;
    sample s;
    sample_of(&s, kDLUInt, 64);
    s.t.strides = NULL;
    vec_taken(&s.t, 8, s.memory, 6);
    s.t.ndim = 0;
    vec_taken(&s.t, 8, s.memory, 1);
    s.t.shape = NULL;
    vec_taken(&s.t, 8, s.memory, 1);
    buf_taken(&s.t, PARSEAL_BUF_HOST, (uintptr_t)s.memory, 0, 8);
    s.t.ndim = 1;
    vec_refused(&s.t, 8, PARSEAL_ERR_ARG, "acc.shape");
    s.t.shape = s.shape;
    static const int32_t ndims[] = {-1, -2, INT32_MIN};
    for (size_t i = 0; i < COUNT_OF(ndims); i++) {
        s.t.ndim = ndims[i];
        vec_refused(&s.t, 8, PARSEAL_ERR_ARG, "acc.ndim");
    }
}

/* Products at the end of 64 bits. Nobody looks at the memory. */
static void large_shapes(void **state)
{
    (void)state;
    static const struct {
        int32_t ndim;
        int64_t shape[4];
        bool is_taken; /* as bytes in a cl_mem, which may have any length */
    } all[] = {
        {1, {INT64_MAX}, true},
        {2, {INT64_MAX, 2}, true},
        {2, {INT64_C(1) << 32, INT64_C(1) << 32}, false},
        {2, {(INT64_C(1) << 32) - 1, (INT64_C(1) << 32) + 1}, true}, /* 2^64 - 1 */
        {2, {INT64_MAX, 3}, false},
        {3, {INT64_MAX, 2, 2}, false},
        {4, {65536, 65536, 65536, 65536}, false},
        {4, {65536, 65536, 65536, 65535}, true},
        {4, {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX}, false},
    };
    sample s;
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        uint64_t n = 1;
        sample_of(&s, kDLUInt, 8);
        shape_of(&s, all[i].ndim, all[i].shape, NULL);
        s.t.device.device_type = kDLOpenCL;
        for (int32_t j = 0; j < s.t.ndim; j++)
            n *= (uint64_t)s.shape[j];
        if (all[i].is_taken)
            buf_taken(&s.t, PARSEAL_BUF_OPENCL, (uintptr_t)s.memory, 0, n);
        else
            buf_refused(&s.t, PARSEAL_ERR_SIZE, "in.shape");
        s.t.dtype.bits = 64; /* n elements of 8 bytes are too many, too */
        vec_refused(&s.t, 8, PARSEAL_ERR_SIZE, "acc.shape");
        s.shape[s.t.ndim - 1] = 0; /* whatever the others are */
        empty_taken(&s.t, 8, PARSEAL_BUF_OPENCL);
    }
    sample_of(&s, kDLUInt, 64);
    s.t.device.device_type = kDLOpenCL;
    s.t.strides = NULL;
    s.t.ndim = 1;
    s.shape[0] = INT64_C(1) << 61;
    vec_refused(&s.t, 8, PARSEAL_ERR_SIZE, "acc.shape: (2305843009213693952) of uint64");
    s.shape[0]--;
    buf_taken(&s.t, PARSEAL_BUF_OPENCL, (uintptr_t)s.memory, 0, UINT64_MAX - 7);
}

static void negative_extents(void **state)
{
    (void)state;
    static const int64_t extents[] = {-1, -2, INT64_MIN};
    sample s;
    sample_of(&s, kDLUInt, 32);
    for (size_t i = 0; i < COUNT_OF(extents); i++)
        for (int axis = 0; axis < 2; axis++)
            for (int64_t other = 0; other < 3; other++) {
                s.shape[axis] = extents[i];
                s.shape[1 - axis] = other;
                vec_refused(&s.t, 4, PARSEAL_ERR_ARG, "acc.shape");
                buf_refused(&s.t, PARSEAL_ERR_ARG, "in.shape");
            }
    assert_non_null(strstr(parseal_last_error_text(), "(2, -9223372036854775808)"));
}

/* Shapes that are longer than a text, and names too. */
static void long_texts(void **state)
{
    (void)state;
    enum { AXES = 200 };
    static char name[2000];
    int64_t shape[AXES], strides[AXES];
    parseal_vec vec;
    for (int i = 0; i < AXES; i++)
        shape[i] = 1, strides[i] = INT64_MIN;
    for (int32_t ndim = 1; ndim <= AXES; ndim++) {
        const DLTensor t = {shape, {kDLCPU, 0}, ndim, {kDLInt, 32, 1}, shape, strides, 0};
        shape[0] = INT64_MAX / 8;
        vec_refused(&t, 4, PARSEAL_ERR_ARG, "acc.strides");
        assert_non_null(strstr(parseal_last_error_text(), "make it contiguous"));
        assert_int_equal(ndim > 5, strstr(parseal_last_error_text(), ", ...)") != NULL);
        shape[0] = 1;
        vec_taken(&t, 4, shape, 1);
    }
    memset(name, 'n', sizeof name - 1);
    assert_status(parseal_dlpack_vec(name, NULL, 4, &vec), PARSEAL_ERR_ARG);
    assert_int_equal(parseal_last_error_text()[0], 'n');
}

/* -------------------------------------------------------------------------------------- memory */

enum { DEVICE_TYPES = 21 };

/* The kinds of buffers by DLPack's numbers of devices; where there is none, its name. */
static const struct {
    uint32_t kind;
    const char *name;
} devices[DEVICE_TYPES] = {
    {0, "unknown"},
    {PARSEAL_BUF_HOST, ""},
    {PARSEAL_BUF_CUDA, ""},
    {PARSEAL_BUF_HOST, ""},
    {PARSEAL_BUF_OPENCL, ""},
    {0, "unknown"},
    {0, "unknown"},
    {0, "Vulkan"},
    {0, "Metal"},
    {0, "VPI"},
    {0, "ROCm"},
    {0, "ROCMHost"},
    {0, "ExtDev"},
    {PARSEAL_BUF_CUDA, ""},
    {0, "oneAPI"},
    {0, "WebGPU"},
    {0, "Hexagon"},
    {0, "MAIA"},
    {0, "Trainium"},
    {0, "unknown"},
    {0, "unknown"},
};

static void device_types(void **state)
{
    (void)state;
    sample s;
    char want[64];
    for (int type = 0; type < DEVICE_TYPES; type++) {
        const uint32_t kind = devices[type].kind;
        const bool is_address = kind != PARSEAL_BUF_OPENCL;
        sample_of(&s, kDLBfloat, 16);
        s.t.device = (DLDevice){(DLDeviceType)type, 3};
        s.t.byte_offset = 10;
        if (kind == 0) {
            snprintf(want, sizeof want, "%s (device type %d)", devices[type].name, type);
            buf_refused(&s.t, PARSEAL_ERR_UNSUPPORTED, "in.device");
            floats_refused(&s.t, PARSEAL_ERR_UNSUPPORTED, want);
            s.shape[1] = 0;
            buf_refused(&s.t, PARSEAL_ERR_UNSUPPORTED, "in.device");
            continue;
        }
        buf_taken(&s.t, kind, (uintptr_t)s.memory + (is_address ? 10 : 0), is_address ? 0 : 10, 12);
    }
    static const int32_t others[] = {-1, 255, 256, 257, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        memcpy(&s.t.device.device_type, &others[i], sizeof others[i]);
        snprintf(want, sizeof want, "unknown (device type %" PRId32 ")", others[i]);
        buf_refused(&s.t, PARSEAL_ERR_UNSUPPORTED, want);
    }
}

/* data, byte_offset and where they end. */
static void places(void **state)
{
    (void)state;
    sample s;
    const DLTensor *t = &sample_of(&s, kDLUInt, 32)->t;
    for (s.t.byte_offset = 0; s.t.byte_offset < 64; s.t.byte_offset += 4)
        vec_taken(t, 4, (uint8_t *)s.memory + s.t.byte_offset, 6);
    s.t.byte_offset = 8;
    s.t.data = NULL; /* address 8 is no place either */
    vec_refused(t, 4, PARSEAL_ERR_ARG, "acc.data");
    s.t.device.device_type = kDLOpenCL;
    vec_refused(t, 4, PARSEAL_ERR_ARG, "acc.data");
    s.t.data = s.memory;
    const struct {
        DLDeviceType type;
        uint32_t kind;
        uint64_t room; /* behind data */
    } all[] = {
        {kDLCPU, PARSEAL_BUF_HOST, UINTPTR_MAX - (uintptr_t)s.memory},
        {kDLCUDA, PARSEAL_BUF_CUDA, UINTPTR_MAX - (uintptr_t)s.memory},
        {kDLOpenCL, PARSEAL_BUF_OPENCL, UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        const bool is_address = all[i].kind != PARSEAL_BUF_OPENCL;
        const uint64_t last = all[i].room - 24;
        s.t.device.device_type = all[i].type;
        s.t.byte_offset = last;
        buf_taken(t, all[i].kind, (uintptr_t)s.memory + (is_address ? (uintptr_t)last : 0),
                  is_address ? 0 : last, 24);
        for (uint64_t past = 1; past <= 24; past++) {
            s.t.byte_offset = last + past;
            buf_refused(t, PARSEAL_ERR_SIZE, "in");
        }
        s.t.byte_offset = UINT64_MAX;
        buf_refused(t, PARSEAL_ERR_SIZE, "byte_offset 18446744073709551615 + size 24");
    }
}

/* The tensor, `at` bytes into the sample's memory. */
static void check_place(sample *s, uint64_t at, uint32_t size, int32_t float_type)
{
    const uint8_t *const place = (uint8_t *)s->memory + at;
    const unsigned beside = (unsigned)at % size;
    char want[64];
    snprintf(want, sizeof want, "address is %u mod %u", beside, size);
    if (beside == 0 && float_type != 0)
        floats_taken(&s->t, float_type, size, place, 6);
    else if (beside == 0)
        vec_taken(&s->t, size, place, 6);
    else if (float_type != 0)
        floats_refused(&s->t, PARSEAL_ERR_ARG, want);
    else
        vec_refused(&s->t, size, PARSEAL_ERR_ARG, want);
    buf_taken(&s->t, PARSEAL_BUF_HOST, (uintptr_t)place, 0, UINT64_C(6) * size);
}

/* Vectors whose elements have `size` bytes are aligned to that, by data and byte_offset together;
 * bytes may lie anywhere. */
static void check_alignment(sample *s, uint32_t size, int32_t float_type)
{
    for (uint64_t data = 0; data < 16; data++)
        for (s->t.byte_offset = 0; s->t.byte_offset < 16; s->t.byte_offset++) {
            s->t.data = (uint8_t *)s->memory + data;
            check_place(s, data + s->t.byte_offset, size, float_type);
        }
}

static void alignment(void **state)
{
    (void)state;
    sample s;
    check_alignment(sample_of(&s, kDLInt, 32), 4, 0);
    check_alignment(sample_of(&s, kDLUInt, 64), 8, 0);
    check_alignment(sample_of(&s, kDLFloat, 32), 4, PARSEAL_FLOAT32);
    check_alignment(sample_of(&s, kDLFloat, 16), 2, PARSEAL_FLOAT16);
    check_alignment(sample_of(&s, kDLBfloat, 16), 2, PARSEAL_BFLOAT16);
    sample_of(&s, kDLUInt, 32)->t.device.device_type = kDLOpenCL; /* of the place in the cl_mem */
    s.t.data = (uint8_t *)s.memory + 1;
    buf_taken(&s.t, PARSEAL_BUF_OPENCL, (uintptr_t)s.t.data, 0, 24);
    s.t.byte_offset = 6;
    vec_refused(&s.t, 4, PARSEAL_ERR_ARG, "address is 2 mod 4");
}

/* Without elements nothing but shape and device is looked at. */
static void empty_tensors(void **state)
{
    (void)state;
    sample s;
    for (int type = 0; type < DEVICE_TYPES; type++)
        for (unsigned odd = 0; odd < 8; odd++) {
            if (devices[type].kind == 0)
                continue;
            sample_of(&s, kDLUInt, 32)->shape[odd & 1] = 0;
            s.t.device.device_type = (DLDeviceType)type;
            s.strides[0] = odd;
            s.t.data = (odd & 2) != 0 ? NULL : (uint8_t *)s.memory + 1;
            s.t.byte_offset = (odd & 4) != 0 ? UINT64_MAX : 0;
            empty_taken(&s.t, 4, devices[type].kind);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nulls),
        cmocka_unit_test(dtypes),
        cmocka_unit_test(dtypes_by_name),
        cmocka_unit_test(shapes),
        cmocka_unit_test(shapes_of_null),
        cmocka_unit_test(large_shapes),
        cmocka_unit_test(negative_extents),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(device_types),
        cmocka_unit_test(places),
        cmocka_unit_test(alignment),
        cmocka_unit_test(empty_tensors),
    };
    return RUN_SUITE("tensors of DLPack", tests);
}
