/* Tensors of DLPack as buffers and vectors. No context is known here: what depends on one, the call
 * that is given the buffer checks (check_buf). */
#include "parseal/dlpack.h"

#include <inttypes.h>
#include <stdio.h>

#include "host/support/check.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* ------------------------------------------------------------------------------------ texts -- */

enum { DTYPE_TEXT = 64, LIST_TEXT = 128 };

static const char *name_or_tensor(const char *name)
{
    return name != NULL ? name : "tensor";
}

/* Writes "(2, 3)", or as much of it as there is room for. */
static const char *list_text(char text[LIST_TEXT], const int64_t *numbers, int32_t n)
{
    enum { LONGEST = sizeof ", -9223372036854775808" + sizeof ", ...)" };
    int at = snprintf(text, LIST_TEXT, "(");
    for (int32_t i = 0; i < n; i++) {
        if (at > LIST_TEXT - LONGEST) {
            at += snprintf(text + at, LIST_TEXT - (size_t)at, ", ...");
            break;
        }
        at += snprintf(text + at, LIST_TEXT - (size_t)at, "%s%" PRId64, i > 0 ? ", " : "",
                       numbers[i]);
    }
    snprintf(text + at, LIST_TEXT - (size_t)at, ")");
    return text;
}

/* Writes "int16", "bfloat16", "float4_e2m1fn of 8 bits", "int4x2". */
static const char *dtype_text(char text[DTYPE_TEXT], DLDataType dtype)
{
    /* bits: of the types whose name says how many they are, or that have always as many. */
    static const struct {
        const char *name;
        uint8_t bits;
    } types[] = {
        [kDLInt] = {"int", 0},
        [kDLUInt] = {"uint", 0},
        [kDLFloat] = {"float", 0},
        [kDLOpaqueHandle] = {"handle", 0},
        [kDLBfloat] = {"bfloat", 0},
        [kDLComplex] = {"complex", 0},
        [kDLBool] = {"bool", 8},
        [kDLFloat8_e3m4] = {"float8_e3m4", 8},
        [kDLFloat8_e4m3] = {"float8_e4m3", 8},
        [kDLFloat8_e4m3b11fnuz] = {"float8_e4m3b11fnuz", 8},
        [kDLFloat8_e4m3fn] = {"float8_e4m3fn", 8},
        [kDLFloat8_e4m3fnuz] = {"float8_e4m3fnuz", 8},
        [kDLFloat8_e5m2] = {"float8_e5m2", 8},
        [kDLFloat8_e5m2fnuz] = {"float8_e5m2fnuz", 8},
        [kDLFloat8_e8m0fnu] = {"float8_e8m0fnu", 8},
        [kDLFloat6_e2m3fn] = {"float6_e2m3fn", 6},
        [kDLFloat6_e3m2fn] = {"float6_e3m2fn", 6},
        [kDLFloat4_e2m1fn] = {"float4_e2m1fn", 4},
    };
    int at;
    if (dtype.code >= ROWS(types))
        at = snprintf(text, DTYPE_TEXT, "type code %u of %u bits", dtype.code, dtype.bits);
    else if (types[dtype.code].bits == 0)
        at = snprintf(text, DTYPE_TEXT, "%s%u", types[dtype.code].name, dtype.bits);
    else if (types[dtype.code].bits == dtype.bits)
        at = snprintf(text, DTYPE_TEXT, "%s", types[dtype.code].name);
    else
        at = snprintf(text, DTYPE_TEXT, "%s of %u bits", types[dtype.code].name, dtype.bits);
    if (dtype.lanes != 1)
        snprintf(text + at, DTYPE_TEXT - (size_t)at, "x%u", dtype.lanes);
    return text;
}

/* ----------------------------------------------------------------------------------- checks -- */

static parseal_status refuse_dtype(const char *name, DLDataType dtype, const char *expected)
{
    char text[DTYPE_TEXT];
    return parseal_fail(PARSEAL_ERR_ARG, "%s.dtype: %s, %s expected", name, dtype_text(text, dtype),
                        expected);
}

/* Stores the PARSEAL_BUF_* of the memory that a tensor is in. */
static parseal_status find_kind(const char *name, DLDevice device, uint32_t *kind)
{
    static const struct {
        const char *name;
        uint32_t kind;
    } devices[] = {
        [kDLCPU] = {"CPU", PARSEAL_BUF_HOST},
        [kDLCUDA] = {"CUDA", PARSEAL_BUF_CUDA},
        [kDLCUDAHost] = {"CUDAHost", PARSEAL_BUF_HOST},
        [kDLOpenCL] = {"OpenCL", PARSEAL_BUF_OPENCL},
        [kDLVulkan] = {"Vulkan", PARSEAL_BUF_NONE},
        [kDLMetal] = {"Metal", PARSEAL_BUF_NONE},
        [kDLVPI] = {"VPI", PARSEAL_BUF_NONE},
        [kDLROCM] = {"ROCm", PARSEAL_BUF_NONE},
        [kDLROCMHost] = {"ROCMHost", PARSEAL_BUF_NONE},
        [kDLExtDev] = {"ExtDev", PARSEAL_BUF_NONE},
        [kDLCUDAManaged] = {"CUDAManaged", PARSEAL_BUF_CUDA},
        [kDLOneAPI] = {"oneAPI", PARSEAL_BUF_NONE},
        [kDLWebGPU] = {"WebGPU", PARSEAL_BUF_NONE},
        [kDLHexagon] = {"Hexagon", PARSEAL_BUF_NONE},
        [kDLMAIA] = {"MAIA", PARSEAL_BUF_NONE},
        [kDLTrn] = {"Trainium", PARSEAL_BUF_NONE},
    };
    const uint32_t type = (uint32_t)device.device_type;
    const bool is_named = type < ROWS(devices) && devices[type].name != NULL;
    *kind = is_named ? devices[type].kind : PARSEAL_BUF_NONE;
    if (*kind != PARSEAL_BUF_NONE)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                        "%s.device: %s (device type %" PRId32
                        "), memory of the host, of CUDA or of OpenCL expected: copy it there",
                        name, is_named ? devices[type].name : "unknown", (int32_t)type);
}

/* Stores the product of the shape. */
static parseal_status count_elements(const char *name, const DLTensor *tensor, uint64_t *count)
{
    char text[LIST_TEXT];
    bool is_empty = false, overflows = false;
    uint64_t n = 1;
    if (tensor->ndim < 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.ndim: %" PRId32 ", 0 or more expected", name,
                            tensor->ndim);
    if (tensor->ndim > 0 && tensor->shape == NULL)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.shape: NULL, but ndim is %" PRId32, name,
                            tensor->ndim);
    for (int32_t i = 0; i < tensor->ndim; i++) {
        const int64_t extent = tensor->shape[i];
        if (extent < 0)
            return parseal_fail(PARSEAL_ERR_ARG,
                                "%s.shape: %s, no extent below 0 expected, but axis %" PRId32
                                " has %" PRId64,
                                name, list_text(text, tensor->shape, tensor->ndim), i, extent);
        if (extent == 0)
            is_empty = true;
        else if (n > UINT64_MAX / (uint64_t)extent)
            overflows = true;
        else
            n *= (uint64_t)extent;
    }
    if (overflows && !is_empty)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.shape: %s has 2^64 elements or more", name,
                            list_text(text, tensor->shape, tensor->ndim));
    *count = is_empty ? 0 : n;
    return PARSEAL_OK;
}

/* Checks that the elements, of which there is one at least, lie side by side. */
static parseal_status check_strides(const char *name, const DLTensor *tensor)
{
    char strides[LIST_TEXT], shape[LIST_TEXT];
    uint64_t expected = 1; /* below 2^63 where an axis is longer than 1, as n is below 2^64 */
    if (tensor->strides == NULL)
        return PARSEAL_OK;
    for (int32_t i = tensor->ndim; i-- > 0;) {
        if (tensor->shape[i] > 1 && (uint64_t)tensor->strides[i] != expected)
            return parseal_fail(PARSEAL_ERR_ARG,
                                "%s.strides: %s for shape %s, but axis %" PRId32 " needs %" PRIu64
                                ": make it contiguous first",
                                name, list_text(strides, tensor->strides, tensor->ndim),
                                list_text(shape, tensor->shape, tensor->ndim), i, expected);
        expected *= (uint64_t)tensor->shape[i];
    }
    return PARSEAL_OK;
}

/* Checks data and byte_offset of a tensor with elements, and completes a buffer whose kind and size
 * are known. */
static parseal_status find_place(const char *name, const DLTensor *tensor, uint32_t alignment,
                                 parseal_buf *buf)
{
    const bool is_address = buf->kind != PARSEAL_BUF_OPENCL;
    const uintptr_t data = (uintptr_t)tensor->data;
    const uint64_t base = is_address ? data : 0;
    /* NOLINTNEXTLINE(bugprone-branch-clone): the two differ where addresses have 32 bits. */
    const uint64_t limit = is_address ? UINTPTR_MAX : UINT64_MAX;
    if (tensor->data == NULL)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.data: NULL, but it has %" PRIu64 " bytes", name,
                            buf->size);
    if (tensor->byte_offset > limit - base || buf->size > limit - base - tensor->byte_offset)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s: byte_offset %" PRIu64 " + size %" PRIu64 " pass the end of memory",
                            name, tensor->byte_offset, buf->size);
    const uint64_t begin = base + tensor->byte_offset;
    if (begin % alignment != 0)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "%s.data: its address is %" PRIu64 " mod %" PRIu32
                            ", 0 expected: elements must be aligned to their size, as in a copy",
                            name, begin % alignment, alignment);
    buf->handle = is_address ? (uintptr_t)begin : data;
    buf->offset = is_address ? 0 : begin;
    return PARSEAL_OK;
}

/* Fills *to, whose element's size is known to be right for the tensor's dtype. */
static parseal_status find_vec(const char *name, const DLTensor *tensor, uint32_t element_size,
                               uint32_t alignment, parseal_vec *to)
{
    parseal_vec vec = {{0, 0, 0, 0, 0}, 0};
    char shape[LIST_TEXT], dtype[DTYPE_TEXT];
    TRY(count_elements(name, tensor, &vec.n));
    TRY(find_kind(name, tensor->device, &vec.buf.kind));
    if (vec.n > UINT64_MAX / element_size)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.shape: %s of %s has 2^64 bytes or more", name,
                            list_text(shape, tensor->shape, tensor->ndim),
                            dtype_text(dtype, tensor->dtype));
    vec.buf.size = vec.n * element_size;
    if (vec.n > 0) {
        TRY(check_strides(name, tensor));
        TRY(find_place(name, tensor, alignment, &vec.buf));
    }
    *to = vec;
    return PARSEAL_OK;
}

/* ---------------------------------------------------------------------------------- the API -- */

parseal_status parseal_dlpack_buf(const char *name, const DLTensor *tensor, parseal_buf *buf)
{
    parseal_vec vec;
    name = name_or_tensor(name);
    TRY(check_pointer(name, tensor));
    TRY(check_pointer("buf", buf));
    const uint32_t bits = (uint32_t)tensor->dtype.bits * tensor->dtype.lanes;
    if (tensor->dtype.code == kDLOpaqueHandle)
        return refuse_dtype(name, tensor->dtype, "numbers, not what leads to them,");
    if (bits == 0 || bits % 8 != 0)
        return refuse_dtype(name, tensor->dtype, "elements of whole bytes");
    TRY(find_vec(name, tensor, bits / 8, 1, &vec));
    *buf = vec.buf;
    return PARSEAL_OK;
}

/* Ring elements lie in memory little-endian, DLPack's integers as the host has them. */
static parseal_status check_byte_order(const char *name, uint64_t n)
{
    const uint16_t one = 1;
    if (*(const uint8_t *)&one == 1 || n == 0)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                        "%s: this host's integers are big-endian, ring elements little-endian",
                        name);
}

parseal_status parseal_dlpack_vec(const char *name, const DLTensor *tensor, uint32_t element_size,
                                  parseal_vec *vec)
{
    parseal_vec found;
    name = name_or_tensor(name);
    TRY(check_pointer(name, tensor));
    TRY(check_pointer("vec", vec));
    TRY(check_element_size("element_size", element_size));
    const DLDataType dtype = tensor->dtype;
    if ((dtype.code != kDLInt && dtype.code != kDLUInt) || dtype.bits != 8 * element_size ||
        dtype.lanes != 1)
        return refuse_dtype(name, dtype, element_size == 4 ? "int32 or uint32" : "int64 or uint64");
    TRY(find_vec(name, tensor, element_size, element_size, &found));
    TRY(check_byte_order(name, found.n));
    *vec = found;
    return PARSEAL_OK;
}

parseal_status parseal_dlpack_floats(const char *name, const DLTensor *tensor, int32_t *float_type,
                                     parseal_vec *vec)
{
    static const struct {
        uint8_t code, bits;
        int32_t float_type;
    } types[] = {
        {kDLFloat, 32, PARSEAL_FLOAT32},
        {kDLBfloat, 16, PARSEAL_BFLOAT16},
        {kDLFloat, 16, PARSEAL_FLOAT16},
    };
    name = name_or_tensor(name);
    TRY(check_pointer(name, tensor));
    TRY(check_pointer("float_type", float_type));
    TRY(check_pointer("vec", vec));
    const DLDataType dtype = tensor->dtype;
    for (size_t i = 0; i < ROWS(types); i++) {
        if (dtype.code != types[i].code || dtype.bits != types[i].bits || dtype.lanes != 1)
            continue;
        TRY(find_vec(name, tensor, dtype.bits / 8u, dtype.bits / 8u, vec));
        *float_type = types[i].float_type;
        return PARSEAL_OK;
    }
    return refuse_dtype(name, dtype, "float32, bfloat16 or float16");
}

parseal_status parseal_dlpack_versioned(const char *name,
                                        const struct DLManagedTensorVersioned *managed,
                                        int32_t access, const DLTensor **tensor)
{
    char text[DTYPE_TEXT];
    name = name_or_tensor(name);
    TRY(check_pointer(name, managed));
    TRY(check_pointer("tensor", tensor));
    if (access != PARSEAL_DLPACK_READ && access != PARSEAL_DLPACK_WRITE)
        return parseal_fail(PARSEAL_ERR_ARG, "access: %" PRId32 " is not a PARSEAL_DLPACK_*",
                            access);
    if (managed->version.major != DLPACK_MAJOR_VERSION)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                            "%s.version: DLPack %" PRIu32 ".%" PRIu32 ", %d expected", name,
                            managed->version.major, managed->version.minor, DLPACK_MAJOR_VERSION);
    if (access == PARSEAL_DLPACK_WRITE && (managed->flags & DLPACK_FLAG_BITMASK_READ_ONLY) != 0)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "%s.flags: read-only, but it is to be written to: give a copy", name);
    /* Two lanes of 4 bits are one byte, but for this flag, with which they are two. */
    if ((managed->flags & DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED) != 0 &&
        managed->dl_tensor.dtype.bits % 8 != 0)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                            "%s.flags: %s, each padded to a whole byte, packed ones expected", name,
                            dtype_text(text, managed->dl_tensor.dtype));
    *tensor = &managed->dl_tensor;
    return PARSEAL_OK;
}
