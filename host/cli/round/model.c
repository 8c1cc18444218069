#include "host/cli/round/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool model_name_ends(const char *path, const char *end)
{
    const size_t length = strlen(path), end_length = strlen(end);
    return length >= end_length && strcmp(path + length - end_length, end) == 0;
}

static bool is_index(const char *path)
{
    return model_name_ends(path, ".safetensors.index.json");
}

bool model_is_name(const char *path)
{
    return model_name_ends(path, ".safetensors") || is_index(path);
}

/* ---------------------------------------------------------------------------------- opening -- */

static int no_memory(const char *path, cli_failure *failure)
{
    return cli_fail(failure, CLI_FAILED, "not enough memory for the files of %.200s", path);
}

/* Adds a file whose path is the first `prefix` bytes of `path`, and a name. */
static int add_file(model *m, const char *path, size_t prefix, const json_text *name,
                    cli_failure *failure)
{
    model_file *file = &m->files[m->n++];
    file->path = malloc(prefix + name->size + 1);
    if (file->path == NULL)
        return no_memory(path, failure);
    memcpy(file->path, path, prefix);
    memcpy(file->path + prefix, name->bytes, name->size);
    file->path[prefix + name->size] = '\0';
    file->name = file->path + prefix;
    file->shown = prefix + name->size <= 200 ? file->path : file->name;

    source s;
    int code = source_open(&s, m->folder, file->name, m->links, file->shown, failure);
    if (code != CLI_OK)
        return code;
    file->size = s.size;
    file->device = s.device;
    file->inode = s.inode;
    code = safetensors_read_header(&file->header, &s, failure);
    source_close(&s);
    return code;
}

static int open_single(model *m, const char *path, cli_failure *failure)
{
    const json_text name = {path, strlen(path)};
    m->files = calloc(1, sizeof *m->files);
    if (m->files == NULL)
        return no_memory(path, failure);
    return add_file(m, path, 0, &name, failure);
}

/* Marks the shard's tensors in the index. A tensor in two shards is found, as one of them is not
 * the shard that the index says. */
static int check_shard(const model *m, const model_file *file, const json_text *shard,
                       cli_failure *failure)
{
    for (size_t i = 0; i < file->header.n; i++) {
        const json_text *tensor = &file->header.tensors[i].name;
        model_index_entry *entry = model_index_find(&m->index, tensor);
        if (entry == NULL)
            return cli_fail(failure, CLI_USAGE, "%.200s: tensor '%s': is not in the index",
                            file->shown, JSON_SHOW(tensor));
        if (json_text_compare(&entry->shard, shard) != 0)
            return cli_fail(failure, CLI_USAGE,
                            "%.200s: tensor '%s': the index has it in '%s', not here", file->shown,
                            JSON_SHOW(tensor), JSON_SHOW(&entry->shard));
        entry->seen = true;
    }
    return CLI_OK;
}

static int check_all_seen(const model *m, const char *path, cli_failure *failure)
{
    for (size_t i = 0; i < m->index.n; i++) {
        const model_index_entry *entry = &m->index.entries[i];
        if (!entry->seen)
            return cli_fail(failure, CLI_USAGE,
                            "%.200s: weight_map: tensor '%s': is missing in '%s'", path,
                            JSON_SHOW(&entry->tensor), JSON_SHOW(&entry->shard));
    }
    return CLI_OK;
}

/* Opens the folder, which is the first `prefix` bytes of the path, up to its last '/'. All files
 * are opened by its descriptor, so that they are of one folder even where it is moved meanwhile. */
static int open_folder(model *m, const char *path, size_t prefix, cli_failure *failure)
{
    char *folder = prefix != 0 ? strndup(path, prefix) : strdup(".");
    if (folder == NULL)
        return no_memory(path, failure);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int reason = errno;
    free(folder);
    if (fd < 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: %s", path, strerror(reason));
    m->folder = fd;
    return CLI_OK;
}

static int open_shards(model *m, const char *path, cli_failure *failure)
{
    const char *slash = strrchr(path, '/');
    const size_t prefix = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    source s;
    int code = open_folder(m, path, prefix, failure);
    if (code == CLI_OK)
        code = source_open(&s, m->folder, path + prefix, SOURCE_FOLLOW, path, failure);
    if (code != CLI_OK)
        return code;
    code = model_index_read(&m->index, &s, failure);
    source_close(&s);
    if (code != CLI_OK)
        return code;

    m->links = SOURCE_NO_LINK;
    m->files = calloc(m->index.n_shards, sizeof *m->files);
    if (m->files == NULL)
        return no_memory(path, failure);
    for (size_t i = 0; code == CLI_OK && i < m->index.n_shards; i++) {
        code = add_file(m, path, prefix, &m->index.shards[i], failure);
        if (code == CLI_OK)
            code = check_shard(m, &m->files[i], &m->index.shards[i], failure);
    }
    return code == CLI_OK ? check_all_seen(m, path, failure) : code;
}

int model_open(model *m, const char *path, cli_failure *failure)
{
    memset(m, 0, sizeof *m);
    m->folder = AT_FDCWD;
    m->links = SOURCE_FOLLOW;
    const int code = is_index(path) ? open_shards(m, path, failure) : open_single(m, path, failure);
    if (code != CLI_OK)
        model_close(m);
    return code;
}

void model_close(model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        safetensors_destroy(&m->files[i].header);
        free(m->files[i].path);
    }
    free(m->files);
    model_index_destroy(&m->index);
    if (m->folder != AT_FDCWD)
        close(m->folder);
    memset(m, 0, sizeof *m);
    m->folder = AT_FDCWD;
}

/* ---------------------------------------------------------------------------------- reading -- */

static bool converts(const safetensors_tensor *tensor)
{
    return tensor->dtype->convert != NULL;
}

int model_count(const model *m, uint64_t *n, cli_failure *failure)
{
    *n = 0;
    for (size_t f = 0; f < m->n; f++) {
        const safetensors_header *header = &m->files[f].header;
        for (size_t i = 0; i < header->n; i++) {
            const uint64_t elements =
                converts(&header->tensors[i]) ? header->tensors[i].elements : 0;
            if (*n > UINT64_MAX - elements)
                return cli_fail(failure, CLI_USAGE,
                                "%.200s: the number of parameters overflows 64 bits",
                                m->files[f].shown);
            *n += elements;
        }
    }
    return CLI_OK;
}

void model_note_left_out(const model *m)
{
    enum { NAMED = 20 };
    size_t left_out = 0;
    for (size_t f = 0; f < m->n; f++) {
        const safetensors_header *header = &m->files[f].header;
        for (size_t i = 0; i < header->n; i++) {
            const safetensors_tensor *tensor = &header->tensors[i];
            if (converts(tensor) || left_out++ >= NAMED)
                continue;
            cli_note("%.200s: tensor '%s' is left out: %s does not convert to float32",
                     m->files[f].shown, JSON_SHOW(&tensor->name), tensor->dtype->name);
        }
    }
    if (left_out > NAMED)
        cli_note("%zu more tensor%s left out, %zu in all", left_out - NAMED,
                 left_out == NAMED + 1 ? " is" : "s are", left_out);
}

/* The number of values that were not exact, and the number of all values of their type. */
typedef struct {
    uint64_t inexact, of;
} rounding;

static int read_tensors(const model_file *file, const source *s, float **x, rounding *rounded,
                        cli_failure *failure)
{
    int code = CLI_OK;
    for (size_t i = 0; code == CLI_OK && i < file->header.n; i++) {
        const safetensors_tensor *tensor = &file->header.tensors[i];
        if (!converts(tensor))
            continue;
        code = source_seek(s, file->header.data_at + tensor->begin, failure);
        if (code == CLI_OK)
            code = dtype_read(tensor->dtype, s, *x, tensor->elements, &rounded->inexact, failure);
        *x += tensor->elements;
        rounded->of += tensor->dtype->bits > 32 ? tensor->elements : 0;
    }
    return code;
}

static int read_file(const model *m, const model_file *file, float **x, rounding *rounded,
                     cli_failure *failure)
{
    source s;
    int code = source_open(&s, m->folder, file->name, m->links, file->shown, failure);
    if (code != CLI_OK)
        return code;
    if (s.device != file->device || s.inode != file->inode || s.size != file->size)
        code = cli_fail(failure, CLI_USAGE, "%.200s: changed while it was read", file->shown);
    else
        code = read_tensors(file, &s, x, rounded, failure);
    source_close(&s);
    return code;
}

int model_read(const model *m, float *x, cli_failure *failure)
{
    rounding rounded = {0, 0};
    int code = CLI_OK;
    for (size_t f = 0; code == CLI_OK && f < m->n; f++)
        code = read_file(m, &m->files[f], &x, &rounded, failure);
    if (code == CLI_OK && rounded.inexact != 0)
        cli_note("%llu of %llu F64 values are rounded to the nearest float32",
                 (unsigned long long)rounded.inexact, (unsigned long long)rounded.of);
    return code;
}
