#include "host/cli/round/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "host/cli/buffer.h"
#include "host/cli/bytes.h"

/* The tensor whose entry is being read, for messages about it. */
typedef struct {
    json_reader *reader;
    const char *path;
    json_text tensor;
    cli_failure *failure;
} place;

#define TENSOR_FAIL(at, field, format, ...)                                                   \
    cli_fail((at)->failure, CLI_USAGE, "%.200s: tensor '%s': " field ": " format, (at)->path, \
             JSON_SHOW(&(at)->tensor), __VA_ARGS__)

/* Fails where a value could not be read: either the text is no JSON, or the field needs another
 * kind of value. */
#define VALUE_FAIL(at, field, format, ...)                                     \
    ((at)->reader->error != NULL                                               \
         ? json_reader_fail((at)->reader, (at)->path, "header", (at)->failure) \
         : TENSOR_FAIL(at, field, format, __VA_ARGS__))

static int read_dtype(safetensors_tensor *tensor, const place *at)
{
    json_text name;
    if (!json_reader_string(at->reader, &name))
        return VALUE_FAIL(at, "dtype", "%s", "not a string");
    tensor->dtype = dtype_find(&name);
    if (tensor->dtype == NULL)
        return TENSOR_FAIL(at, "dtype", "'%.40s' is unknown", JSON_SHOW(&name));
    return CLI_OK;
}

static int read_shape(safetensors_tensor *tensor, const place *at)
{
    size_t i = 0;
    uint64_t extent = 0;
    if (!json_reader_enter(at->reader, JSON_READ_ARRAY))
        return VALUE_FAIL(at, "shape", "%s", "not an array");
    tensor->elements = 1;
    for (; json_reader_item(at->reader); i++) {
        if (!json_reader_count(at->reader, &extent))
            return VALUE_FAIL(at, "shape", "entry %zu is not an integer from 0 to 2^64 - 1", i);
        if (extent != 0 && tensor->elements > UINT64_MAX / extent)
            return TENSOR_FAIL(at, "shape", "%s", "the number of elements overflows 64 bits");
        tensor->elements *= extent;
    }
    return at->reader->error == NULL ? CLI_OK : VALUE_FAIL(at, "shape", "entry %zu", i);
}

static int read_offsets(safetensors_tensor *tensor, const place *at)
{
    uint64_t offsets[2] = {0, 0};
    size_t n = 0;
    bool right = json_reader_enter(at->reader, JSON_READ_ARRAY);
    for (; right && json_reader_item(at->reader); n++)
        right = n < 2 && json_reader_count(at->reader, &offsets[n]);
    if (!right || n != 2 || at->reader->error != NULL)
        return VALUE_FAIL(at, "data_offsets", "%s",
                          "not an array of two integers from 0 to 2^64 - 1");
    tensor->begin = offsets[0];
    tensor->end = offsets[1];
    if (tensor->begin > tensor->end)
        return TENSOR_FAIL(at, "data_offsets", "begin %llu is past end %llu",
                           (unsigned long long)tensor->begin, (unsigned long long)tensor->end);
    return CLI_OK;
}

static int check_size(const safetensors_tensor *tensor, uint64_t data_size, const place *at)
{
    const unsigned long long elements = tensor->elements;
    const uint64_t place_size = tensor->end - tensor->begin;
    if (tensor->elements > UINT64_MAX / tensor->dtype->bits)
        return TENSOR_FAIL(at, "shape", "%llu elements of %s overflow 64 bits", elements,
                           tensor->dtype->name);
    if (tensor->elements * tensor->dtype->bits % 8 != 0)
        return TENSOR_FAIL(at, "shape", "%llu elements of %s are no whole bytes", elements,
                           tensor->dtype->name);
    if (tensor->end > data_size)
        return TENSOR_FAIL(at, "data_offsets", "end %llu is past the file's %llu bytes of data",
                           (unsigned long long)tensor->end, (unsigned long long)data_size);
    if (tensor->elements * tensor->dtype->bits / 8 != place_size)
        return TENSOR_FAIL(at, "shape",
                           "%llu elements of %s do not match data_offsets (%llu bytes)", elements,
                           tensor->dtype->name, (unsigned long long)place_size);
    return CLI_OK;
}

/* Reads the fields, which may come in any order. Others are passed over, as safetensors does. */
static int read_fields(safetensors_tensor *tensor, const place *at)
{
    static const struct {
        const char *name;
        int (*read)(safetensors_tensor *tensor, const place *at);
    } fields[] = {{"dtype", read_dtype}, {"shape", read_shape}, {"data_offsets", read_offsets}};
    enum { FIELDS = sizeof fields / sizeof fields[0] };
    bool there[FIELDS] = {false};
    json_text name;

    while (json_reader_member(at->reader, &name)) {
        size_t f = 0;
        while (f < FIELDS && !json_text_is(&name, fields[f].name))
            f++;
        if (f == FIELDS) {
            json_reader_skip(at->reader);
            continue;
        }
        if (there[f])
            return TENSOR_FAIL(at, "%s", "is there twice", fields[f].name);
        there[f] = true;
        const int code = fields[f].read(tensor, at);
        if (code != CLI_OK)
            return code;
    }
    for (size_t f = 0; f < FIELDS; f++)
        if (!there[f])
            return VALUE_FAIL(at, "%s", "missing", fields[f].name);
    return CLI_OK;
}

static int read_tensor(safetensors_tensor *tensor, uint64_t data_size, const place *at)
{
    tensor->name = at->tensor;
    if (!json_reader_enter(at->reader, JSON_READ_OBJECT))
        return VALUE_FAIL(at, "entry", "%s", "not an object");
    int code = read_fields(tensor, at);
    if (code == CLI_OK && at->reader->error != NULL)
        code = json_reader_fail(at->reader, at->path, "header", at->failure);
    return code == CLI_OK ? check_size(tensor, data_size, at) : code;
}

static int metadata_fail(const place *at, const char *what)
{
    if (at->reader->error != NULL)
        return json_reader_fail(at->reader, at->path, "header", at->failure);
    return cli_fail(at->failure, CLI_USAGE, "%.200s: header: __metadata__%s", at->path, what);
}

/* Checks that the metadata is texts by name, or null, which safetensors takes for no metadata. */
static int check_metadata(const place *at)
{
    json_text key, value;
    if (json_reader_null(at->reader))
        return CLI_OK;
    if (!json_reader_enter(at->reader, JSON_READ_OBJECT))
        return metadata_fail(at, " is not an object");
    while (json_reader_member(at->reader, &key)) {
        if (json_reader_string(at->reader, &value))
            continue;
        if (at->reader->error != NULL)
            break;
        return cli_fail(at->failure, CLI_USAGE,
                        "%.200s: header: __metadata__: '%s' is not a string", at->path,
                        JSON_SHOW(&key));
    }
    return at->reader->error == NULL ? CLI_OK : metadata_fail(at, "");
}

static int by_name(const void *left, const void *right)
{
    const safetensors_tensor *a = left, *b = right;
    return json_text_compare(&a->name, &b->name);
}

static int by_offset(const void *left, const void *right)
{
    const safetensors_tensor *a = left, *b = right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end);
}

/* A header without tensors has no list, and qsort takes no NULL. */
static void sort_tensors(const safetensors_header *header,
                         int (*order)(const void *left, const void *right))
{
    if (header->n > 0)
        qsort(header->tensors, header->n, sizeof *header->tensors, order);
}

static int check_names(const safetensors_header *header, place *at)
{
    sort_tensors(header, by_name);
    for (size_t i = 1; i < header->n; i++) {
        at->tensor = header->tensors[i].name;
        if (json_text_compare(&at->tensor, &header->tensors[i - 1].name) == 0)
            return TENSOR_FAIL(at, "name", "%s", "is there twice");
    }
    return CLI_OK;
}

/* Checks that the tensors, in data order, follow each other without overlap or gap up to the
 * end. */
static int check_cover(const safetensors_header *header, uint64_t data_size, place *at)
{
    uint64_t end = 0;
    sort_tensors(header, by_offset);
    for (size_t i = 0; i < header->n; i++) {
        const safetensors_tensor *tensor = &header->tensors[i];
        at->tensor = tensor->name;
        if (tensor->begin < end)
            return TENSOR_FAIL(at, "data_offsets",
                               "begin %llu overlaps tensor '%s', which ends at %llu",
                               (unsigned long long)tensor->begin,
                               JSON_SHOW(&header->tensors[i - 1].name), (unsigned long long)end);
        if (tensor->begin > end)
            return TENSOR_FAIL(at, "data_offsets", "begin %llu leaves a gap of %llu bytes",
                               (unsigned long long)tensor->begin,
                               (unsigned long long)(tensor->begin - end));
        end = tensor->end;
    }
    if (end == data_size)
        return CLI_OK;
    if (header->n == 0)
        return cli_fail(at->failure, CLI_USAGE, "%.200s: header: no tensors for %llu bytes of data",
                        at->path, (unsigned long long)data_size);
    return TENSOR_FAIL(at, "data_offsets", "end %llu leaves the file's last %llu bytes unused",
                       (unsigned long long)end, (unsigned long long)(data_size - end));
}

static int add_tensor(safetensors_header *header, uint64_t data_size, const place *at)
{
    void *grown = cli_list_grown(header->tensors, header->n, sizeof *header->tensors);
    if (grown == NULL)
        return cli_fail(at->failure, CLI_FAILED, "not enough memory for %zu tensors of %.200s",
                        header->n + 1, at->path);
    header->tensors = grown;
    return read_tensor(&header->tensors[header->n++], data_size, at);
}

static int read_json(safetensors_header *header, size_t size, uint64_t data_size, place *at)
{
    bool metadata = false;
    json_reader_start(at->reader, header->text, size);
    if (!json_reader_enter(at->reader, JSON_READ_OBJECT) && at->reader->error == NULL)
        return cli_fail(at->failure, CLI_USAGE, "%.200s: header: not a JSON object", at->path);
    while (json_reader_member(at->reader, &at->tensor)) {
        int code;
        if (!json_text_is(&at->tensor, "__metadata__"))
            code = add_tensor(header, data_size, at);
        else
            code = metadata ? metadata_fail(at, " is there twice") : check_metadata(at);
        if (code != CLI_OK)
            return code;
        metadata = metadata || json_text_is(&at->tensor, "__metadata__");
    }
    if (!json_reader_finish(at->reader))
        return json_reader_fail(at->reader, at->path, "header", at->failure);
    const int code = check_names(header, at);
    return code == CLI_OK ? check_cover(header, data_size, at) : code;
}

static int read_length(const source *s, uint64_t *length, cli_failure *failure)
{
    uint8_t bytes[8];
    if (s->size < sizeof bytes)
        return cli_fail(failure, CLI_USAGE,
                        "%.200s: header: the file ends inside the 8 bytes of its length", s->path);
    const int code = source_read(s, bytes, sizeof bytes, failure);
    if (code != CLI_OK)
        return code;
    *length = load_le64(bytes);
    if (*length > SOURCE_TEXT_MAX)
        return cli_fail(failure, CLI_USAGE,
                        "%.200s: header: length %llu is above the limit of %llu bytes", s->path,
                        (unsigned long long)*length, (unsigned long long)SOURCE_TEXT_MAX);
    if (*length > s->size - sizeof bytes)
        return cli_fail(failure, CLI_USAGE,
                        "%.200s: header: length %llu reaches past the end of the file (%llu bytes)",
                        s->path, (unsigned long long)*length, (unsigned long long)s->size);
    return CLI_OK;
}

int safetensors_read_header(safetensors_header *header, const source *s, cli_failure *failure)
{
    safetensors_header h = {NULL, NULL, 0, 0};
    json_reader reader;
    place at = {&reader, s->path, {NULL, 0}, failure};
    uint64_t length = 0;
    int code = read_length(s, &length, failure);
    if (code == CLI_OK)
        code = source_read_text(s, length, &h.text, failure);
    h.data_at = 8 + length;
    if (code == CLI_OK)
        code = read_json(&h, (size_t)length, s->size - h.data_at, &at);
    if (code == CLI_OK)
        *header = h;
    else
        safetensors_destroy(&h);
    return code;
}

void safetensors_destroy(safetensors_header *header)
{
    free(header->tensors);
    free(header->text);
    memset(header, 0, sizeof *header);
}
