/* parseal seal, open, rekey: they pass files through the library's parseal_sealed, chunk by
 * chunk. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/buffer.h"
#include "host/cli/fd.h"
#include "host/cli/output.h"
#include "host/cli/process.h"
#include "host/cli/progress.h"
#include "host/cli/sealed/sealed_options.h"
#include "parseal/sealed.h"

/* CHUNK bytes are read at once, which is enough for all threads and for a GPU. */
enum { CHUNK = 16 << 20, STAGES_MAX = 2 };

/* One parseal_sealed, and its output for a chunk. */
typedef struct {
    parseal_sealed *stream;
    cli_buffer made;
} stage;

typedef struct {
    const sealed_options *options;
    const char *name; /* the input's name */
    int fd;
    uint64_t size; /* bytes of the input; 0: not known */
    mode_t mode;   /* the output's mode */
    uint8_t *key, *new_key;
    parseal_ctx *ctx;
    uint8_t *aad;
    size_t aad_len;
    cli_buffer chunk;
    stage stages[STAGES_MAX];
    size_t n_stages;
    output out;
    uint64_t written;
    progress progress;
} job;

typedef parseal_status (*create_function)(parseal_sealed **, parseal_ctx *,
                                          const parseal_sealed_params *, const uint8_t *, size_t);

/* -------------------------------------------------------------------------------- preparation */

static int open_input(job *j, bool opens, cli_failure *failure)
{
    struct stat status;
    const bool is_stdin = strcmp(j->options->in, "-") == 0;
    j->name = is_stdin ? "standard input" : j->options->in;
    j->fd = is_stdin ? STDIN_FILENO : fd_open_to_read(j->options->in);
    if (is_stdin && !process_can_read(STDIN_FILENO))
        return cli_fail(failure, CLI_USAGE, "%s: is closed, or not open for reading", j->name);
    if (j->fd < 0 || fstat(j->fd, &status) != 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: %s", j->name, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return cli_fail(failure, CLI_USAGE, "%.200s: is a directory", j->name);
    const bool regular = S_ISREG(status.st_mode);
    j->size = regular ? (uint64_t)status.st_size : 0;
    j->mode = regular ? status.st_mode & 0777 : 0666;
    if (opens) /* A plaintext is for its owner only. */
        j->mode = 0600;
    return CLI_OK;
}

static int read_aad(job *j, cli_failure *failure)
{
    const sealed_options *o = j->options;
    if (o->aad_text != NULL) {
        j->aad_len = strlen(o->aad_text);
        j->aad = (uint8_t *)strdup(o->aad_text);
        return j->aad != NULL ? CLI_OK
                              : cli_fail(failure, CLI_FAILED, "not enough memory for --aad");
    }
    if (o->aad_file == NULL)
        return CLI_OK;
    j->aad = malloc(SEALED_AAD_MAX + 1);
    int fd = j->aad != NULL ? fd_open_to_read(o->aad_file) : -1;
    ssize_t size = fd >= 0 ? fd_read_all(fd, j->aad, SEALED_AAD_MAX + 1) : -1;
    const int reason = errno;
    if (fd >= 0)
        close(fd);
    if (size < 0)
        return cli_fail(failure, CLI_USAGE, "--aad-file %.200s: %s", o->aad_file, strerror(reason));
    j->aad_len = (size_t)size;
    if (j->aad_len > SEALED_AAD_MAX)
        return cli_fail(failure, CLI_USAGE, "--aad-file %.200s: has more than %d bytes",
                        o->aad_file, SEALED_AAD_MAX);
    return CLI_OK;
}

static int open_context(job *j, cli_failure *failure)
{
    parseal_options o = PARSEAL_OPTIONS_INIT;
    o.backend = j->options->backend;
    o.cpu_threads = j->options->threads;
    parseal_status status = parseal_ctx_create(&j->ctx, &o);
    if (status == PARSEAL_ERR_ARG) /* The environment names something unknown. */
        return cli_fail(failure, CLI_USAGE, "%s", parseal_last_error_text());
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "backend", status);
}

static parseal_sealed_params params_of(const job *j)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    params.segment_size = j->options->segment_size;
    params.aad = j->aad;
    params.aad_len = j->aad_len;
    return params;
}

/* A stage takes a chunk, or the output of the stage before it for a chunk and the segment which
 * that one had held back, and its own held segment. The size of all that when sealed is the most
 * that the stage can give. */
static int create_buffers(job *j, cli_failure *failure)
{
    const parseal_sealed_params params = params_of(j);
    uint64_t size = CHUNK;
    int code = cli_buffer_create(&j->chunk, CHUNK, 1, "the input", failure);
    for (size_t i = 0; code == CLI_OK && i < j->n_stages; i++) {
        if (parseal_sealed_size(&params, size + 2 * (uint64_t)params.segment_size, &size) !=
            PARSEAL_OK)
            return cli_fail_library(failure, "buffers", PARSEAL_ERR_SIZE);
        code = cli_buffer_create(&j->stages[i].made, size, 1, "the output", failure);
    }
    return code;
}

/* Adds a stage under a key. */
static int add_stage(job *j, const uint8_t *key, create_function create, cli_failure *failure)
{
    const parseal_sealed_params params = params_of(j);
    parseal_status status =
        create(&j->stages[j->n_stages++].stream, j->ctx, &params, key, KEY_BYTES);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "stream", status);
}

/* --------------------------------------------------------------------------------- the work -- */

/* Fails with the library's text about its argument `in`, turned into one about the file. */
static int fail_stream(const job *j, parseal_status status, cli_failure *failure)
{
    const char *text = parseal_last_error_text();
    if (status != PARSEAL_ERR_AUTH)
        return cli_fail_library(failure, j->name, status);
    if (strncmp(text, "in: ", 4) == 0)
        text += 4;
    if (j->written == 0)
        return cli_fail(failure, CLI_FORGED, "%.200s: %s", j->name, text);
    return cli_fail(failure, CLI_FORGED, "%.200s: %s; the %llu bytes written are incomplete",
                    j->name, text, (unsigned long long)j->written);
}

static int write_out(job *j, const uint8_t *bytes, size_t size, cli_failure *failure)
{
    int code = output_write(&j->out, bytes, size, failure);
    if (code == CLI_OK && output_is_stream(&j->out))
        j->written += size;
    return code;
}

/* Hands bytes to stage i, and its output to the next stage. The last stage's output is written. */
static int push(job *j, size_t i, const uint8_t *bytes, size_t size, bool last,
                cli_failure *failure)
{
    if (i == j->n_stages || i == STAGES_MAX)
        return write_out(j, bytes, size, failure);
    uint8_t *made = j->stages[i].made.p;
    const size_t room = j->stages[i].made.size;
    size_t n = 0;
    parseal_status status = parseal_sealed_update(j->stages[i].stream, bytes, size, made, room, &n);
    if (status != PARSEAL_OK)
        return fail_stream(j, status, failure);
    int code = push(j, i + 1, made, n, false, failure);
    if (code != CLI_OK || !last)
        return code;
    status = parseal_sealed_final(j->stages[i].stream, made, room, &n);
    if (status != PARSEAL_OK)
        return fail_stream(j, status, failure);
    return push(j, i + 1, made, n, true, failure);
}

/* Reads a full chunk, or the rest of the input. */
static int read_chunk(const job *j, size_t *size, cli_failure *failure)
{
    ssize_t n = fd_read_all(j->fd, j->chunk.p, CHUNK);
    *size = n > 0 ? (size_t)n : 0;
    return n >= 0 ? CLI_OK : cli_fail(failure, CLI_FAILED, "%.200s: %s", j->name, strerror(errno));
}

static int pump(job *j, cli_failure *failure)
{
    size_t size = CHUNK;
    int code = CLI_OK;
    progress_begin_bytes(&j->progress, j->size);
    while (code == CLI_OK && size == CHUNK) {
        code = read_chunk(j, &size, failure);
        if (code == CLI_OK)
            code = push(j, 0, j->chunk.p, size, size < CHUNK, failure);
        progress_add_bytes(&j->progress, size);
    }
    progress_end(&j->progress);
    return code;
}

static int run(job *j, cli_failure *failure)
{
    int code = output_begin(&j->out, j->options->out, j->mode, failure);
    if (code != CLI_OK)
        return code;
    code = pump(j, failure);
    if (code == CLI_OK)
        return output_commit(&j->out, failure);
    output_abandon(&j->out);
    return code;
}

static void forget_keys(job *j)
{
    sodium_free(j->key);
    sodium_free(j->new_key);
    j->key = j->new_key = NULL;
}

static void destroy(job *j)
{
    for (size_t i = 0; i < STAGES_MAX; i++) {
        parseal_sealed_destroy(j->stages[i].stream);
        cli_buffer_destroy(&j->stages[i].made);
    }
    forget_keys(j);
    cli_buffer_destroy(&j->chunk);
    free(j->aad);
    parseal_ctx_destroy(j->ctx);
    if (j->fd > STDIN_FILENO)
        close(j->fd);
}

/* Reads and checks all that the caller has given. Keys are read before a backend is opened:
 * programs that a GPU's runtime starts must not find them in their environment. */
static int read_inputs(job *j, bool opens, bool seals, cli_failure *failure)
{
    int code = output_check("-o", j->options->out, failure);
    if (code == CLI_OK)
        code = open_input(j, opens && !seals, failure);
    if (code == CLI_OK)
        code = read_aad(j, failure);
    if (code == CLI_OK)
        code = key_load(&j->key, &j->options->key, failure);
    if (code == CLI_OK && opens && seals)
        code = key_load(&j->new_key, &j->options->new_key, failure);
    return code;
}

static int add_stages(job *j, bool opens, bool seals, cli_failure *failure)
{
    int code = open_context(j, failure);
    if (code == CLI_OK && opens)
        code = add_stage(j, j->key, parseal_sealed_open_create, failure);
    if (code == CLI_OK && seals)
        code = add_stage(j, opens ? j->new_key : j->key, parseal_sealed_seal_create, failure);
    forget_keys(j);
    return code == CLI_OK ? create_buffers(j, failure) : code;
}

/* `opens` and `seals` say which stages there are, in this order. */
static int sealed_main(int argc, char **argv, bool opens, bool seals, cli_failure *failure)
{
    sealed_options options;
    job j;
    int code = sealed_options_parse(&options, argc, argv, failure);
    if (code != CLI_OK)
        return code;
    if (options.help) {
        sealed_options_usage(argv[0]);
        return CLI_OK;
    }
    memset(&j, 0, sizeof j);
    j.options = &options;
    j.fd = -1;
    code = read_inputs(&j, opens, seals, failure);
    if (code == CLI_OK)
        code = add_stages(&j, opens, seals, failure);
    if (code == CLI_OK)
        code = run(&j, failure);
    destroy(&j);
    return code;
}

int seal_main(int argc, char **argv, cli_failure *failure)
{
    return sealed_main(argc, argv, false, true, failure);
}

int open_main(int argc, char **argv, cli_failure *failure)
{
    return sealed_main(argc, argv, true, false, failure);
}

int rekey_main(int argc, char **argv, cli_failure *failure)
{
    return sealed_main(argc, argv, true, true, failure);
}
