#include "host/cli/round/safetensors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/bytes.h"

#define HEADER_MAX UINT64_C(100000000)

/* All dtypes that the format knows. */
static const safetensors_dtype dtypes[] = {
    {"F32", DTYPE_F32, 32},
    {"F16", DTYPE_F16, 16},
    {"BF16", DTYPE_BF16, 16},
    {"BOOL", DTYPE_NOT_FLOAT, 8},
    {"U8", DTYPE_NOT_FLOAT, 8},
    {"I8", DTYPE_NOT_FLOAT, 8},
    {"U16", DTYPE_NOT_FLOAT, 16},
    {"I16", DTYPE_NOT_FLOAT, 16},
    {"U32", DTYPE_NOT_FLOAT, 32},
    {"I32", DTYPE_NOT_FLOAT, 32},
    {"U64", DTYPE_NOT_FLOAT, 64},
    {"I64", DTYPE_NOT_FLOAT, 64},
    {"F64", DTYPE_OTHER_FLOAT, 64},
    {"C64", DTYPE_OTHER_FLOAT, 64},
    {"F8_E4M3", DTYPE_OTHER_FLOAT, 8},
    {"F8_E5M2", DTYPE_OTHER_FLOAT, 8},
    {"F8_E8M0", DTYPE_OTHER_FLOAT, 8},
    {"F6_E2M3", DTYPE_OTHER_FLOAT, 6},
    {"F6_E3M2", DTYPE_OTHER_FLOAT, 6},
    {"F4", DTYPE_OTHER_FLOAT, 4},
};

/* Where a message comes from. */
typedef struct {
    const char *path;
    const char *tensor;
    cli_failure *failure;
} place;

#define TENSOR_FAIL(at, field, format, ...)                                                       \
    cli_fail((at)->failure, CLI_USAGE, "%.200s: tensor '%.100s': " field ": " format, (at)->path, \
             (at)->tensor, __VA_ARGS__)

/* A JSON integer that is not negative. */
static bool read_count(const json_t *json, uint64_t *count)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0)
        return false;
    *count = (uint64_t)json_integer_value(json);
    return true;
}

static int read_dtype(const json_t *entry, safetensors_tensor *tensor, const place *at)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (name == NULL)
        return TENSOR_FAIL(at, "dtype", "%s", "missing or not a string");
    for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
        if (strcmp(name, dtypes[i].name) != 0)
            continue;
        if (dtypes[i].class == DTYPE_OTHER_FLOAT)
            return TENSOR_FAIL(at, "dtype", "%s is not supported (F32, F16 and BF16 are)", name);
        tensor->dtype = &dtypes[i];
        return CLI_OK;
    }
    return TENSOR_FAIL(at, "dtype", "'%.40s' is unknown", name);
}

static int read_shape(const json_t *entry, safetensors_tensor *tensor, const place *at)
{
    const json_t *shape = json_object_get(entry, "shape");
    size_t i;
    json_t *item;

    if (!json_is_array(shape))
        return TENSOR_FAIL(at, "shape", "%s", "missing or not an array");
    tensor->elements = 1;
    json_array_foreach(shape, i, item)
    {
        uint64_t extent;
        if (!read_count(item, &extent))
            return TENSOR_FAIL(at, "shape", "entry %zu is not a non-negative integer", i);
        if (extent != 0 && tensor->elements > UINT64_MAX / extent)
            return TENSOR_FAIL(at, "shape", "%s", "the number of elements overflows 64 bits");
        tensor->elements *= extent;
    }
    return CLI_OK;
}

static int read_offsets(const json_t *entry, safetensors_tensor *tensor, const place *at)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !read_count(json_array_get(offsets, 0), &tensor->begin) ||
        !read_count(json_array_get(offsets, 1), &tensor->end))
        return TENSOR_FAIL(at, "data_offsets", "%s",
                           "missing or not an array of two non-negative integers");
    if (tensor->begin > tensor->end)
        return TENSOR_FAIL(at, "data_offsets", "begin %llu is past end %llu",
                           (unsigned long long)tensor->begin, (unsigned long long)tensor->end);
    return CLI_OK;
}

static int check_size(const safetensors_tensor *tensor, uint64_t data_size, const place *at)
{
    uint64_t bytes_each = tensor->dtype->bits / 8;
    uint64_t place_size = tensor->end - tensor->begin;
    if (tensor->elements > UINT64_MAX / bytes_each)
        return TENSOR_FAIL(at, "shape", "%llu elements of %s overflow 64 bits",
                           (unsigned long long)tensor->elements, tensor->dtype->name);
    if (tensor->end > data_size)
        return TENSOR_FAIL(at, "data_offsets", "end %llu is past the file's %llu bytes of data",
                           (unsigned long long)tensor->end, (unsigned long long)data_size);
    if (tensor->elements * bytes_each != place_size)
        return TENSOR_FAIL(at, "shape",
                           "%llu elements of %s do not match data_offsets (%llu bytes)",
                           (unsigned long long)tensor->elements, tensor->dtype->name,
                           (unsigned long long)place_size);
    return CLI_OK;
}

static int read_tensor(const json_t *entry, safetensors_tensor *tensor, uint64_t data_size,
                       const place *at)
{
    if (!json_is_object(entry))
        return cli_fail(at->failure, CLI_USAGE, "%.200s: tensor '%.100s': not an object", at->path,
                        at->tensor);
    tensor->name = at->tensor;
    int code = read_dtype(entry, tensor, at);
    if (code == CLI_OK)
        code = read_shape(entry, tensor, at);
    if (code == CLI_OK)
        code = read_offsets(entry, tensor, at);
    if (code == CLI_OK)
        code = check_size(tensor, data_size, at);
    return code;
}

static int check_metadata(const json_t *metadata, const char *path, cli_failure *failure)
{
    const char *key;
    json_t *value;

    if (!json_is_object(metadata))
        return cli_fail(failure, CLI_USAGE, "%.200s: header: __metadata__ is not an object", path);
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return cli_fail(failure, CLI_USAGE,
                            "%.200s: header: __metadata__: '%.100s' is not a string", path, key);
    }
    return CLI_OK;
}

static int by_offset(const void *left, const void *right)
{
    const safetensors_tensor *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* The tensors, in data order, must follow each other without overlap or gap up to the end. */
static int check_cover(const safetensors_header *header, uint64_t data_size, const char *path,
                       cli_failure *failure)
{
    uint64_t end = 0;
    for (size_t i = 0; i < header->n; i++) {
        const safetensors_tensor *tensor = &header->tensors[i];
        place at = {path, tensor->name, failure};
        if (tensor->begin < end)
            return TENSOR_FAIL(&at, "data_offsets",
                               "begin %llu overlaps tensor '%.100s', which ends at %llu",
                               (unsigned long long)tensor->begin, header->tensors[i - 1].name,
                               (unsigned long long)end);
        if (tensor->begin > end)
            return TENSOR_FAIL(&at, "data_offsets", "begin %llu leaves a gap of %llu bytes",
                               (unsigned long long)tensor->begin,
                               (unsigned long long)(tensor->begin - end));
        end = tensor->end;
    }
    if (end == data_size)
        return CLI_OK;
    if (header->n == 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: header: no tensors for %llu bytes of data",
                        path, (unsigned long long)data_size);
    place last = {path, header->tensors[header->n - 1].name, failure};
    return TENSOR_FAIL(&last, "data_offsets", "end %llu leaves the file's last %llu bytes unused",
                       (unsigned long long)end, (unsigned long long)(data_size - end));
}

static int read_tensors(safetensors_header *header, uint64_t data_size, const char *path,
                        cli_failure *failure)
{
    size_t entries = json_object_size(header->json);
    const char *name;
    json_t *entry;
    int code = CLI_OK;

    header->tensors = calloc(entries != 0 ? entries : 1, sizeof *header->tensors);
    if (header->tensors == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for %zu tensors", entries);
    json_object_foreach(header->json, name, entry)
    {
        place at = {path, name, failure};
        if (strcmp(name, "__metadata__") == 0)
            code = check_metadata(entry, path, failure);
        else
            code = read_tensor(entry, &header->tensors[header->n++], data_size, &at);
        if (code != CLI_OK)
            return code;
    }
    qsort(header->tensors, header->n, sizeof *header->tensors, by_offset);
    return check_cover(header, data_size, path, failure);
}

/* Integers of 2^63 and above stop jansson before it knows a tensor's name: read the text again
 * with integers as reals, only to find which tensor and field it was. */
static int fail_integer_overflow(const char *text, size_t size, const json_error_t *error,
                                 const char *path, cli_failure *failure)
{
    static const char *const fields[] = {"shape", "data_offsets"};
    json_t *json = json_loadb(text, size, JSON_DECODE_INT_AS_REAL, NULL);
    const char *name;
    json_t *entry, *item;
    size_t i;
    int code = CLI_OK;

    json_object_foreach(json, name, entry)
    {
        for (size_t f = 0; code == CLI_OK && f < sizeof fields / sizeof fields[0]; f++) {
            json_array_foreach(json_object_get(entry, fields[f]), i, item)
            {
                if (json_real_value(item) >= 0x1p63 || json_real_value(item) < -0x1p63)
                    code = cli_fail(failure, CLI_USAGE,
                                    "%.200s: tensor '%.100s': %s: entry %zu overflows 63 bits",
                                    path, name, fields[f], i);
            }
        }
    }
    json_decref(json);
    if (code == CLI_OK)
        code = cli_fail(failure, CLI_USAGE, "%.200s: header: line %d, column %d: %s", path,
                        error->line, error->column, error->text);
    return code;
}

static int parse_json(safetensors_header *header, const char *text, size_t size, const char *path,
                      cli_failure *failure)
{
    json_error_t error;
    header->json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (header->json == NULL && json_error_code(&error) == json_error_numeric_overflow)
        return fail_integer_overflow(text, size, &error, path, failure);
    if (header->json == NULL)
        return cli_fail(failure, CLI_USAGE, "%.200s: header: line %d, column %d: %s", path,
                        error.line, error.column, error.text);
    if (!json_is_object(header->json))
        return cli_fail(failure, CLI_USAGE, "%.200s: header: not a JSON object", path);
    return CLI_OK;
}

static int read_length(FILE *file, uint64_t file_size, const char *path, uint64_t *length,
                       cli_failure *failure)
{
    uint8_t bytes[8];
    if (file_size < sizeof bytes || fread(bytes, 1, sizeof bytes, file) != sizeof bytes)
        return cli_fail(failure, CLI_USAGE,
                        "%.200s: header: the file ends inside the 8 bytes of its length", path);
    *length = load_le64(bytes);
    if (*length > HEADER_MAX)
        return cli_fail(failure, CLI_USAGE,
                        "%.200s: header: length %llu is above the limit of %llu bytes", path,
                        (unsigned long long)*length, (unsigned long long)HEADER_MAX);
    if (*length > file_size - sizeof bytes)
        return cli_fail(failure, CLI_USAGE,
                        "%.200s: header: length %llu reaches past the end of the file (%llu bytes)",
                        path, (unsigned long long)*length, (unsigned long long)file_size);
    return CLI_OK;
}

int safetensors_read_header(safetensors_header *header, FILE *file, uint64_t file_size,
                            const char *path, cli_failure *failure)
{
    safetensors_header h = {NULL, NULL, 0, 0};
    uint64_t length = 0;
    int code = read_length(file, file_size, path, &length, failure);
    if (code != CLI_OK)
        return code;

    const size_t size = (size_t)length; /* at most HEADER_MAX */
    char *text = malloc(size != 0 ? size : 1);
    if (text == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for a header of %llu bytes",
                        (unsigned long long)length);
    if (fread(text, 1, size, file) != size)
        code = cli_fail(failure, CLI_USAGE, "%.200s: header: the file ends inside it", path);
    else
        code = parse_json(&h, text, size, path, failure);
    free(text);

    h.data_at = 8 + length;
    if (code == CLI_OK)
        code = read_tensors(&h, file_size - h.data_at, path, failure);
    if (code == CLI_OK)
        *header = h;
    else
        safetensors_destroy(&h);
    return code;
}

void safetensors_destroy(safetensors_header *header)
{
    json_decref(header->json);
    free(header->tensors);
    header->json = NULL;
    header->tensors = NULL;
    header->n = 0;
}
