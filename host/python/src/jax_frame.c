/* What XLA hands to a handler, and what it is told. */
#include "jax.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------------------------- errors -- */

enum { TEXT = 512 };

static XLA_FFI_Error *make_error(const jax_call *c, XLA_FFI_Error_Code code, const char *text)
{
    XLA_FFI_Error_Create_Args args = {XLA_FFI_Error_Create_Args_STRUCT_SIZE, NULL, text, code};
    return c->frame->api->XLA_FFI_Error_Create(&args); /* it copies the text */
}

XLA_FFI_Error *jax_error(const jax_call *c, XLA_FFI_Error_Code code, const char *format, ...)
{
    char text[TEXT];
    const int n = snprintf(text, sizeof text, "%s: ", c->name);
    va_list values;
    va_start(values, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, values);
    va_end(values);
    return make_error(c, code, text);
}

static XLA_FFI_Error_Code code_of(parseal_status status)
{
    switch (status) {
    case PARSEAL_ERR_ARG:
    case PARSEAL_ERR_SIZE:
    case PARSEAL_ERR_ALIAS:
    case PARSEAL_ERR_FORMAT:
        return XLA_FFI_Error_Code_INVALID_ARGUMENT;
    case PARSEAL_ERR_OVERFLOW:
        return XLA_FFI_Error_Code_OUT_OF_RANGE;
    case PARSEAL_ERR_NO_MEMORY:
        return XLA_FFI_Error_Code_RESOURCE_EXHAUSTED;
    case PARSEAL_ERR_NO_DEVICE:
        return XLA_FFI_Error_Code_UNAVAILABLE;
    case PARSEAL_ERR_UNSUPPORTED:
        return XLA_FFI_Error_Code_UNIMPLEMENTED;
    default:
        return XLA_FFI_Error_Code_INTERNAL;
    }
}

XLA_FFI_Error *jax_done(const jax_call *c, parseal_status status)
{
    if (status == PARSEAL_OK)
        return NULL;
    return jax_error(c, code_of(status), "%s (%s)", parseal_last_error_text(),
                     parseal_status_name(status));
}

/* ----------------------------------------------------------------------------------- frames -- */

const XLA_FFI_Buffer *jax_arg(const jax_call *c, int64_t i)
{
    return c->frame->args.args[i];
}

const XLA_FFI_Buffer *jax_ret(const jax_call *c, int64_t i)
{
    return c->frame->rets.rets[i];
}

static XLA_FFI_Error *find_scalar(const jax_call *c, const char *name, XLA_FFI_DataType dtype,
                                  const void **value)
{
    const XLA_FFI_Attrs *attrs = &c->frame->attrs;
    const size_t length = strlen(name);
    for (int64_t i = 0; i < attrs->size; i++) {
        const XLA_FFI_ByteSpan *span = attrs->names[i];
        if (span->len != length || memcmp(span->ptr, name, length) != 0 ||
            attrs->types[i] != XLA_FFI_AttrType_SCALAR)
            continue;
        const XLA_FFI_Scalar *scalar = attrs->attrs[i];
        *value = scalar->value;
        if (scalar->dtype == dtype)
            return NULL;
    }
    return jax_error(c, XLA_FFI_Error_Code_INVALID_ARGUMENT, "no attribute %s of type %d", name,
                     (int)dtype);
}

XLA_FFI_Error *jax_integer(const jax_call *c, const char *name, int64_t *value)
{
    const void *found = NULL;
    XLA_FFI_Error *error = find_scalar(c, name, XLA_FFI_DataType_S64, &found);
    if (error == NULL && found != NULL)
        memcpy(value, found, sizeof *value);
    return error;
}

XLA_FFI_Error *jax_float(const jax_call *c, const char *name, float *value)
{
    const void *found = NULL;
    XLA_FFI_Error *error = find_scalar(c, name, XLA_FFI_DataType_F32, &found);
    if (error == NULL && found != NULL)
        memcpy(value, found, sizeof *value);
    return error;
}

/* ---------------------------------------------------------------------------------- buffers -- */

uint64_t jax_rows(const XLA_FFI_Buffer *buffer, int64_t but)
{
    uint64_t n = 1; /* XLA's own bound: it has allocated them */
    for (int64_t i = 0; i < buffer->rank - but; i++)
        n *= (uint64_t)buffer->dims[i];
    return n;
}

uint64_t jax_elements(const XLA_FFI_Buffer *buffer)
{
    return jax_rows(buffer, 0);
}

uint32_t jax_element_size(const XLA_FFI_Buffer *buffer)
{
    switch (buffer->dtype) {
    case XLA_FFI_DataType_S8:
    case XLA_FFI_DataType_U8:
        return 1;
    case XLA_FFI_DataType_F16:
    case XLA_FFI_DataType_BF16:
        return 2;
    case XLA_FFI_DataType_S32:
    case XLA_FFI_DataType_U32:
    case XLA_FFI_DataType_F32:
        return 4;
    case XLA_FFI_DataType_S64:
    case XLA_FFI_DataType_U64:
        return 8;
    default:
        return 0;
    }
}

parseal_buf jax_buf(const jax_call *c, const XLA_FFI_Buffer *buffer, uint64_t row, uint64_t rows)
{
    const uint64_t size = jax_elements(buffer) / rows * jax_element_size(buffer);
    parseal_buf buf = parseal_host_buf(buffer->data, size);
    buf.kind = c->kind;
    buf.offset = row * size;
    return buf;
}

parseal_vec jax_vec(const jax_call *c, const XLA_FFI_Buffer *buffer, uint64_t row, uint64_t rows)
{
    parseal_vec vec;
    vec.buf = jax_buf(c, buffer, row, rows);
    vec.n = jax_elements(buffer) / rows;
    return vec;
}

XLA_FFI_Error *jax_read(const jax_call *c, const char *what, const XLA_FFI_Buffer *buffer,
                        uint64_t size, jax_bytes *to)
{
    const parseal_buf buf = jax_buf(c, buffer, 0, 1);
    *to = (jax_bytes){buffer->data, NULL, (size_t)size};
    if (buf.size != size)
        return jax_error(c, XLA_FFI_Error_Code_INVALID_ARGUMENT, "%s: %llu bytes, needed are %llu",
                         what, (unsigned long long)buf.size, (unsigned long long)size);
    if (c->kind == PARSEAL_BUF_HOST)
        return NULL;
    to->copy = malloc(to->size + 1);
    if (to->copy == NULL)
        return jax_error(c, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED, "%s: no memory for %zu bytes",
                         what, to->size);
    to->bytes = to->copy;
    /* Words of 32 bits taken out of 32 bits each: a copy to the host that has waited for the work
     * before it on the stream. */
    const parseal_vec words = parseal_host_vec(to->copy, size / 4, 4);
    XLA_FFI_Error *error = jax_done(c, parseal_unpack(c->ctx, 32, 4, &buf, &words, c->stream));
    if (error != NULL)
        jax_release(to);
    return error;
}

void jax_release(jax_bytes *bytes)
{
    if (bytes->copy == NULL)
        return;
    wipe(bytes->copy, bytes->size);
    free(bytes->copy);
    bytes->copy = NULL;
}

uint64_t jax_number(const jax_bytes *words, uint64_t i)
{
    uint32_t pair[2];
    memcpy(pair, words->bytes + 8 * i, sizeof pair);
    return (uint64_t)pair[1] << 32 | pair[0];
}

/* ---------------------------------------------------------------------------------- running -- */

static void answer(const jax_target *target, XLA_FFI_Metadata *metadata)
{
    metadata->api_version.struct_size = XLA_FFI_Api_Version_STRUCT_SIZE;
    metadata->api_version.extension_start = NULL;
    metadata->api_version.major_version = XLA_FFI_API_MAJOR;
    metadata->api_version.minor_version = XLA_FFI_API_MINOR;
    metadata->traits = target->traits;
}

/* The stream and the context of a call on a CUDA device. */
static XLA_FFI_Error *find_device(jax_call *c)
{
    const XLA_FFI_CallFrame *frame = c->frame;
    XLA_FFI_Stream_Get_Args stream = {XLA_FFI_Stream_Get_Args_STRUCT_SIZE, NULL, frame->ctx, NULL};
    XLA_FFI_DeviceOrdinal_Get_Args device = {XLA_FFI_DeviceOrdinal_Get_Args_STRUCT_SIZE, NULL,
                                             frame->ctx, 0};
    XLA_FFI_Error *error = frame->api->XLA_FFI_Stream_Get(&stream);
    if (error == NULL)
        error = frame->api->XLA_FFI_DeviceOrdinal_Get(&device);
    if (error != NULL)
        return error;
    c->stream = stream.stream;
    c->ctx = jax_cuda_context(device.device_ordinal);
    return NULL;
}

XLA_FFI_Error *jax_run(const jax_target *target, XLA_FFI_CallFrame *frame)
{
    for (XLA_FFI_Extension_Base *e = frame->extension_start; e != NULL; e = e->next) {
        if (e->type == XLA_FFI_Extension_Metadata) {
            answer(target, ((XLA_FFI_Metadata_Extension *)e)->metadata);
            return NULL;
        }
    }
    jax_call c = {frame, target->name, target->kind, NULL, NULL};
    if (frame->stage != XLA_FFI_ExecutionStage_EXECUTE || frame->args.size < target->args ||
        frame->args.size > target->more_args || frame->rets.size != target->rets)
        return jax_error(&c, XLA_FFI_Error_Code_INVALID_ARGUMENT, "%lld operands, %lld results",
                         (long long)frame->args.size, (long long)frame->rets.size);
    XLA_FFI_Error *error = NULL;
    if (target->kind == PARSEAL_BUF_HOST)
        c.ctx = jax_cpu_context();
    else
        error = find_device(&c);
    if (error != NULL)
        return error;
    if (c.ctx == NULL)
        return jax_error(&c, XLA_FFI_Error_Code_UNAVAILABLE, "%s", parseal_last_error_text());
    return target->body(&c);
}
