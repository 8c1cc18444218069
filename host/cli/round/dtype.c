#include "host/cli/round/dtype.h"

#include "host/cli/bytes.h"
#include "host/cli/round/float16.h"
#include "host/cli/round/float64.h"
#include "host/cli/round/float8.h"

static uint64_t from_f64(float *x, const uint8_t *bytes, size_t n)
{
    uint64_t inexact = 0;
    for (size_t i = 0; i < n; i++) {
        bool exact;
        x[i] = float_from_float64(load_le64(bytes + 8 * i), &exact);
        inexact += !exact;
    }
    return inexact;
}

static uint64_t from_f32(float *x, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = float_from_bits(load_le32(bytes + 4 * i));
    return 0;
}

static uint64_t from_f16(float *x, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = float_from_float16(load_le16(bytes + 2 * i));
    return 0;
}

static uint64_t from_bf16(float *x, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = float_from_bfloat16(load_le16(bytes + 2 * i));
    return 0;
}

#define FROM_BYTES(function, one)                                      \
    static uint64_t function(float *x, const uint8_t *bytes, size_t n) \
    {                                                                  \
        for (size_t i = 0; i < n; i++)                                 \
            x[i] = one(bytes[i]);                                      \
        return 0;                                                      \
    }

FROM_BYTES(from_e4m3, float_from_e4m3)
FROM_BYTES(from_e5m2, float_from_e5m2)
FROM_BYTES(from_e4m3fnuz, float_from_e4m3fnuz)
FROM_BYTES(from_e5m2fnuz, float_from_e5m2fnuz)

/* Two elements share a byte, and the first has its low half. The safetensors format says only that
 * an F4 has 4 bits; the order is that of the type which writers store under this name, PyTorch's
 * float4_e2m1fn_x2 ("val1 : val0" from bit 7 to bit 0), and of ONNX's FLOAT4E2M1. */
static uint64_t from_e2m1(float *x, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = float_from_e2m1((uint8_t)(bytes[i / 2] >> 4 * (i % 2)));
    return 0;
}

const dtype dtype_f32 = {"F32", 32, from_f32};

/* All types that the format knows (safetensors 0.8.0). Types without a conversion are those that
 * are no real numbers, F8_E8M0, which holds scales and no parameters, and the F6 ones, whose
 * packing no text defines. */
static const dtype dtypes[] = {
    {"F64", 64, from_f64},
    {"F32", 32, from_f32},
    {"F16", 16, from_f16},
    {"BF16", 16, from_bf16},
    {"F8_E4M3", 8, from_e4m3},
    {"F8_E5M2", 8, from_e5m2},
    {"F8_E4M3FNUZ", 8, from_e4m3fnuz},
    {"F8_E5M2FNUZ", 8, from_e5m2fnuz},
    {"F4", 4, from_e2m1},
    {"F8_E8M0", 8, NULL},
    {"F6_E2M3", 6, NULL},
    {"F6_E3M2", 6, NULL},
    {"C64", 64, NULL},
    {"BOOL", 8, NULL},
    {"U8", 8, NULL},
    {"I8", 8, NULL},
    {"U16", 16, NULL},
    {"I16", 16, NULL},
    {"U32", 32, NULL},
    {"I32", 32, NULL},
    {"U64", 64, NULL},
    {"I64", 64, NULL},
};

const dtype *dtype_find(const json_text *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++)
        if (json_text_is(name, dtypes[i].name))
            return &dtypes[i];
    return NULL;
}

int dtype_read(const dtype *type, const source *s, float *x, uint64_t n, uint64_t *inexact,
               cli_failure *failure)
{
    enum { CHUNK = 16384 }; /* elements; a multiple of 8, so that every chunk begins with a byte */
    uint8_t bytes[8 * CHUNK];
    while (n != 0) {
        const size_t step = n < CHUNK ? (size_t)n : CHUNK;
        const int code = source_read(s, bytes, step * type->bits / 8, failure);
        if (code != CLI_OK)
            return code;
        *inexact += type->convert(x, bytes, step);
        x += step;
        n -= step;
    }
    return CLI_OK;
}
