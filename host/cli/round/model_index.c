#include "host/cli/round/model_index.h"

#include <stdlib.h>
#include <string.h>

#include "host/cli/buffer.h"

typedef struct {
    json_reader reader;
    const char *path;
    cli_failure *failure;
} place;

static int index_fail(const place *at, const char *what)
{
    if (at->reader.error != NULL)
        return json_reader_fail(&at->reader, at->path, "index", at->failure);
    return cli_fail(at->failure, CLI_USAGE, "%.200s: index: %s", at->path, what);
}

static int tensor_fail(const place *at, const json_text *tensor, const char *what)
{
    if (at->reader.error != NULL)
        return index_fail(at, "");
    return cli_fail(at->failure, CLI_USAGE, "%.200s: weight_map: tensor '%s': %s", at->path,
                    JSON_SHOW(tensor), what);
}

static bool is_plain(const json_text *shard)
{
    static const char end[] = ".safetensors";
    enum { END = sizeof end - 1, NAME_BYTES = 255 };
    return shard->size > END && shard->size <= NAME_BYTES &&
           memcmp(shard->bytes + shard->size - END, end, END) == 0 &&
           memchr(shard->bytes, '/', shard->size) == NULL &&
           memchr(shard->bytes, '\0', shard->size) == NULL;
}

static int read_entry(model_index *index, const json_text *tensor, place *at)
{
    model_index_entry entry = {*tensor, {NULL, 0}, false};
    if (!json_reader_string(&at->reader, &entry.shard))
        return tensor_fail(at, tensor, "its file's name is not a string");
    if (!is_plain(&entry.shard))
        return cli_fail(at->failure, CLI_USAGE,
                        "%.200s: weight_map: tensor '%s': '%s' is not the plain name of a "
                        ".safetensors file",
                        at->path, JSON_SHOW(tensor), JSON_SHOW(&entry.shard));
    void *grown = cli_list_grown(index->entries, index->n, sizeof *index->entries);
    if (grown == NULL)
        return cli_fail(at->failure, CLI_FAILED, "not enough memory for %zu tensors of %.200s",
                        index->n + 1, at->path);
    index->entries = grown;
    index->entries[index->n++] = entry;
    return CLI_OK;
}

static int read_weight_map(model_index *index, place *at)
{
    json_text tensor;
    if (!json_reader_enter(&at->reader, JSON_READ_OBJECT))
        return index_fail(at, "weight_map is not an object");
    while (json_reader_member(&at->reader, &tensor)) {
        const int code = read_entry(index, &tensor, at);
        if (code != CLI_OK)
            return code;
    }
    return at->reader.error == NULL ? CLI_OK : index_fail(at, "");
}

static int read_json(model_index *index, size_t size, place *at)
{
    bool there = false;
    json_text name;
    json_reader_start(&at->reader, index->text, size);
    if (!json_reader_enter(&at->reader, JSON_READ_OBJECT))
        return index_fail(at, "not a JSON object");
    while (json_reader_member(&at->reader, &name)) {
        if (!json_text_is(&name, "weight_map")) {
            json_reader_skip(&at->reader);
            continue;
        }
        const int code =
            there ? index_fail(at, "weight_map is there twice") : read_weight_map(index, at);
        if (code != CLI_OK)
            return code;
        there = true;
    }
    if (!json_reader_finish(&at->reader) || !there)
        return index_fail(at, "weight_map is missing");
    return CLI_OK;
}

static int by_tensor(const void *left, const void *right)
{
    const model_index_entry *a = left, *b = right;
    return json_text_compare(&a->tensor, &b->tensor);
}

static int by_text(const void *left, const void *right)
{
    return json_text_compare(left, right);
}

static int check_names(const model_index *index, const place *at)
{
    if (index->n != 0)
        qsort(index->entries, index->n, sizeof *index->entries, by_tensor);
    for (size_t i = 1; i < index->n; i++)
        if (by_tensor(&index->entries[i], &index->entries[i - 1]) == 0)
            return tensor_fail(at, &index->entries[i].tensor, "is there twice");
    return CLI_OK;
}

static int list_shards(model_index *index, const place *at)
{
    if (index->n == 0)
        return index_fail(at, "weight_map has no tensors");
    index->shards = calloc(index->n, sizeof *index->shards);
    if (index->shards == NULL)
        return cli_fail(at->failure, CLI_FAILED, "not enough memory for the shards of %.200s",
                        at->path);
    for (size_t i = 0; i < index->n; i++)
        index->shards[i] = index->entries[i].shard;
    qsort(index->shards, index->n, sizeof *index->shards, by_text);
    for (size_t i = 0; i < index->n; i++) {
        if (i == 0 || by_text(&index->shards[i], &index->shards[index->n_shards - 1]) != 0)
            index->shards[index->n_shards++] = index->shards[i];
    }
    return CLI_OK;
}

int model_index_read(model_index *index, const source *s, cli_failure *failure)
{
    place at;
    memset(index, 0, sizeof *index);
    memset(&at, 0, sizeof at);
    at.path = s->path;
    at.failure = failure;
    if (s->size > SOURCE_TEXT_MAX)
        return cli_fail(failure, CLI_USAGE, "%.200s: index: above the limit of %llu bytes", s->path,
                        (unsigned long long)SOURCE_TEXT_MAX);
    int code = source_read_text(s, s->size, &index->text, failure);
    if (code == CLI_OK)
        code = read_json(index, (size_t)s->size, &at);
    if (code == CLI_OK)
        code = check_names(index, &at);
    if (code == CLI_OK)
        code = list_shards(index, &at);
    if (code != CLI_OK)
        model_index_destroy(index);
    return code;
}

model_index_entry *model_index_find(const model_index *index, const json_text *tensor)
{
    const model_index_entry key = {*tensor, {NULL, 0}, false};
    return bsearch(&key, index->entries, index->n, sizeof *index->entries, by_tensor);
}

void model_index_destroy(model_index *index)
{
    free(index->shards);
    free(index->entries);
    free(index->text);
    memset(index, 0, sizeof *index);
}
