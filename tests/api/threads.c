/* Eight threads share a context, keys, seeds and a plan; each has buffers, a workspace and an
 * aggregator of its own. Their results are those of one thread. Under ThreadSanitizer this finds
 * what they share wrongly. */
#include <parseal/aggregator.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "run.h"

enum { THREADS = 8, ROUNDS = 20, ITEMS = 5, LEN = 3001, ELEMENTS = 2003 };

typedef struct {
    parseal_ctx *ctx;
    const parseal_keys *keys;
    const parseal_seeds *seeds;
    const parseal_plan *plan;
} shared;

/* What one round computes: compared between threads as it is. */
typedef struct {
    uint8_t sealed[ITEMS][LEN], opened[ITEMS][LEN], tags[ITEMS][PARSEAL_TAGBYTES];
    uint8_t plan_out[ITEMS * LEN], plan_tags[ITEMS][PARSEAL_TAGBYTES];
    int32_t verdict[ITEMS];
    uint32_t mask[ELEMENTS], sum[ELEMENTS], quantized[ELEMENTS];
    uint64_t nonfinite;
    float mean[ELEMENTS];
    uint8_t packed[ELEMENTS * 3];
    uint32_t unpacked[ELEMENTS];
    uint64_t failed;
    parseal_status status; /* the first that is not PARSEAL_OK */
} results;

static void note(results *r, parseal_status status)
{
    if (r->status == PARSEAL_OK)
        r->status = status;
}

static uint8_t text[ITEMS][LEN]; /* written before the threads start */

static void fill_text(void)
{
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t k = 0; k < LEN; k++)
            text[i][k] = (uint8_t)(i * 31 + k * 7);
}

static void run_messages(const shared *s, results *r)
{
    parseal_msg msgs[ITEMS];
    for (size_t i = 0; i < ITEMS; i++)
        msgs[i] = (parseal_msg){.in = text[i],
                                .out = r->sealed[i],
                                .len = LEN - i,
                                .aad = text[0],
                                .aad_len = i * 9,
                                .nonce = {(uint8_t)i},
                                .key = (uint32_t)(i % 2)};
    note(r, parseal_seal(s->keys, msgs, ITEMS));
    for (size_t i = 0; i < ITEMS; i++) {
        memcpy(r->tags[i], msgs[i].tag, PARSEAL_TAGBYTES);
        msgs[i].in = r->sealed[i];
        msgs[i].out = r->opened[i];
    }
    size_t failed = 0;
    msgs[3].tag[0] ^= 1;
    if (parseal_open(s->keys, msgs, ITEMS, &failed) != PARSEAL_ERR_AUTH)
        note(r, PARSEAL_ERR_DEVICE);
    r->failed = failed;
}

static void run_plan(const shared *s, results *r, void *workspace, size_t workspace_size)
{
    const uint8_t nonce[ITEMS * PARSEAL_AES256GCM_NONCEBYTES] = {1, 2, 3};
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    memset(r->plan_out, 0x33, sizeof r->plan_out);
    io.in = parseal_host_buf(r->plan_out, sizeof r->plan_out);
    io.out = io.in;
    io.nonce = parseal_host_buf(nonce, sizeof nonce);
    io.tag = parseal_host_buf(r->plan_tags, sizeof r->plan_tags);
    io.verdict = parseal_host_buf(r->verdict, sizeof r->verdict);
    if (workspace_size != 0)
        io.workspace = parseal_host_buf(workspace, workspace_size);
    note(r, parseal_plan_seal(s->plan, &io, NULL));
}

static void run_vectors(const shared *s, results *r)
{
    const parseal_ring ring = {1000003, 4, 0};
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 500000.0f;
    quant.bits = 20;
    parseal_vec mask = parseal_host_vec(r->mask, ELEMENTS, 4);
    parseal_vec sum = parseal_host_vec(r->sum, ELEMENTS, 4);
    parseal_vec mean = parseal_host_vec(r->mean, ELEMENTS, 4);
    parseal_vec quantized = parseal_host_vec(r->quantized, ELEMENTS, 4);
    parseal_vec unpacked = parseal_host_vec(r->unpacked, ELEMENTS, 4);
    parseal_vec inputs[2] = {mask, mask};
    parseal_buf nonfinite = parseal_host_buf(&r->nonfinite, sizeof r->nonfinite);
    parseal_buf packed = parseal_host_buf(r->packed, (ELEMENTS * 20 + 7) / 8);
    note(r, parseal_mask_write(s->seeds, &ring, &mask, 17, NULL));
    note(r, parseal_mask_apply(s->seeds, &ring, &sum, 18, NULL));
    note(r, parseal_vec_sum(s->ctx, &ring, &sum, inputs, 2, NULL));
    note(r, parseal_dequantize(s->ctx, &quant, &sum, 3, &mean, NULL, NULL));
    note(r, parseal_quantize(s->ctx, &quant, &mean, &quantized, s->seeds, 5, &nonfinite, NULL));
    note(r, parseal_pack(s->ctx, 20, 4, &quantized, &packed, NULL));
    note(r, parseal_unpack(s->ctx, 20, 4, &packed, &unpacked, NULL));
}

typedef struct {
    const shared *shared;
    results *results;
    void *workspace;
    size_t workspace_size;
} worker;

static void worker_open(worker *w, const shared *s)
{
    *w = (worker){.shared = s, .results = malloc(sizeof(results))};
    assert_non_null(w->results);
    w->workspace_size = (size_t)parseal_plan_workspace_size(s->plan);
    if (posix_memalign(&w->workspace, 16, w->workspace_size + 16) != 0)
        fail_msg("no memory for a workspace");
}

static void worker_close(worker *w)
{
    free(w->results);
    free(w->workspace);
}

/* No assertion in here: cmocka's belong to the main thread. */
static void *work(void *arg)
{
    worker *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        memset(w->results, 0, sizeof *w->results);
        run_messages(w->shared, w->results);
        run_plan(w->shared, w->results, w->workspace, w->workspace_size);
        run_vectors(w->shared, w->results);
    }
    return NULL;
}

static parseal_plan *make_plan(const parseal_keys *keys)
{
    uint64_t len[ITEMS], offset[ITEMS];
    parseal_plan *plan = NULL;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    for (size_t i = 0; i < ITEMS; i++) {
        len[i] = LEN;
        offset[i] = i * LEN;
    }
    shape.n = ITEMS;
    shape.len = len;
    shape.in_offset = offset;
    assert_ok(parseal_plan_create(&plan, keys, &shape));
    return plan;
}

static void threads_share_objects(void **state)
{
    (void)state;
    uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {42};
    const parseal_seed seed = {.key = {7}, .sign = -1};
    parseal_keys *keys = NULL;
    parseal_seeds *seeds = NULL;
    parseal_ctx *ctx = run_ctx(1);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 2, NULL));
    assert_ok(parseal_seeds_create(&seeds, ctx, &seed, 1));
    parseal_plan *plan = make_plan(keys);
    shared s = {ctx, keys, seeds, plan};
    worker alone;
    worker workers[THREADS];
    pthread_t threads[THREADS];
    fill_text();
    worker_open(&alone, &s);
    (void)work(&alone);
    for (size_t i = 0; i < THREADS; i++) {
        worker_open(&workers[i], &s);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_ok(alone.results->status);
    assert_int_equal(alone.results->failed, 1);
    for (size_t i = 0; i < THREADS; i++) {
        assert_bytes(workers[i].results, alone.results, sizeof(results));
        worker_close(&workers[i]);
    }
    worker_close(&alone);
    parseal_plan_destroy(plan);
    parseal_seeds_destroy(seeds);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* ------------------------------------------------------------------------------- aggregators -- */

enum { DIM = 1501, CLIENTS = 9, DAMAGED = 6, RINGS = 2, AGGREGATIONS = 5 };

/* Packed elements of a prime, and whole ones of a power of two. */
static const struct {
    parseal_ring ring;
    uint32_t bits;
} kinds[RINGS] = {{{1000003, 4, 0}, 20}, {{UINT64_C(1) << 45, 8, 0}, 0}};

/* Written before the threads start. */
typedef struct {
    parseal_ctx *ctx;
    const parseal_keys *keys;
    const parseal_seeds *seeds;
    uint8_t sealed[RINGS][CLIENTS][DIM * 8];
    parseal_update updates[RINGS][CLIENTS];
} sealed_updates;

typedef struct {
    uint8_t sum[RINGS][DIM * 8], exported[RINGS][DIM * 8 + 8 * CLIENTS + 128];
    int32_t verdict[RINGS][CLIENTS];
    uint64_t added[RINGS], count[RINGS];
    parseal_status status; /* the first that is not PARSEAL_OK */
} aggregate;

typedef struct {
    const sealed_updates *shared;
    aggregate result;
} aggregator_worker;

static void note_too(aggregate *r, parseal_status status)
{
    if (r->status == PARSEAL_OK)
        r->status = status;
}

static parseal_aggregator *new_aggregator(const sealed_updates *s, size_t kind, aggregate *r)
{
    parseal_aggregator *a = NULL;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = kinds[kind].ring;
    options.dim = DIM;
    options.bits = kinds[kind].bits;
    note_too(r, parseal_aggregator_create(&a, s->ctx, &options));
    return a;
}

/* In two calls, with the masks between them; one update of the first is not authentic. */
static void add_and_unmask(const sealed_updates *s, size_t kind, parseal_aggregator *a,
                           aggregate *r)
{
    parseal_update updates[CLIENTS];
    size_t first = 0, second = 0;
    memcpy(updates, s->updates[kind], sizeof updates);
    if (parseal_aggregator_add_sealed(a, s->keys, updates, DAMAGED + 1, &first) != PARSEAL_ERR_AUTH)
        note_too(r, PARSEAL_ERR_DEVICE);
    note_too(r, parseal_aggregator_unmask(a, s->seeds));
    note_too(r, parseal_aggregator_add_sealed(a, s->keys, updates + DAMAGED + 1,
                                              CLIENTS - DAMAGED - 1, &second));
    r->added[kind] = first + second;
    for (size_t i = 0; i < CLIENTS; i++)
        r->verdict[kind][i] = updates[i].status;
}

static void aggregate_kind(const sealed_updates *s, size_t kind, aggregate *r)
{
    uint64_t size = 0;
    const parseal_vec sum = parseal_host_vec(r->sum[kind], DIM, kinds[kind].ring.element_size);
    parseal_aggregator *a = new_aggregator(s, kind, r);
    if (a == NULL)
        return;
    add_and_unmask(s, kind, a, r);
    note_too(r, parseal_aggregator_sum(a, &sum));
    note_too(r, parseal_aggregator_count(a, &r->count[kind]));
    note_too(r, parseal_aggregator_export_size(a, &size));
    if (size > sizeof r->exported[kind])
        note_too(r, PARSEAL_ERR_SIZE);
    else
        note_too(r, parseal_aggregator_export(a, r->exported[kind], (size_t)size));
    parseal_aggregator_destroy(a);
}

/* No assertion in here either. */
static void *aggregate_all(void *arg)
{
    aggregator_worker *w = arg;
    memset(&w->result, 0, sizeof w->result);
    for (int i = 0; i < AGGREGATIONS; i++)
        for (size_t kind = 0; kind < RINGS; kind++)
            aggregate_kind(w->shared, kind, &w->result);
    return NULL;
}

static void seal_updates(sealed_updates *s, size_t kind)
{
    const uint32_t bits =
        kinds[kind].bits != 0 ? kinds[kind].bits : 8 * kinds[kind].ring.element_size;
    for (size_t i = 0; i < CLIENTS; i++) {
        uint8_t *bytes = s->sealed[kind][i];
        parseal_msg m = {.in = bytes,
                         .out = bytes,
                         .len = ((size_t)DIM * bits + 7) / 8,
                         .nonce = {(uint8_t)i, (uint8_t)kind},
                         .key = (uint32_t)(i % 2)};
        for (size_t k = 0; k < m.len; k++)
            bytes[k] = (uint8_t)(i * 37 + k * 11 + k / 256);
        assert_ok(parseal_seal(s->keys, &m, 1));
        parseal_update *u = &s->updates[kind][i];
        *u = (parseal_update){.client = i * i, .in = bytes, .len = m.len, .key = m.key};
        memcpy(u->nonce, m.nonce, sizeof u->nonce);
        memcpy(u->tag, m.tag, sizeof u->tag);
        u->tag[0] ^= i == DAMAGED;
    }
}

static void run_aggregators(const sealed_updates *s)
{
    aggregator_worker *workers = calloc(THREADS + 1, sizeof *workers), *alone = workers;
    pthread_t threads[THREADS];
    assert_non_null(workers);
    for (size_t i = 0; i <= THREADS; i++)
        workers[i].shared = s;
    (void)aggregate_all(alone);
    assert_ok(alone->result.status);
    for (size_t kind = 0; kind < RINGS; kind++) {
        assert_int_equal(alone->result.added[kind], CLIENTS - 1);
        assert_int_equal(alone->result.count[kind], CLIENTS - 1);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, aggregate_all, &workers[1 + i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_bytes(&workers[1 + i].result, &alone->result, sizeof alone->result);
    free(workers);
}

static void threads_have_aggregators(void **state)
{
    (void)state;
    const uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {42};
    const parseal_seed seed = {.key = {7}, .sign = -1};
    parseal_keys *keys = NULL;
    parseal_seeds *seeds = NULL;
    parseal_ctx *ctx = run_ctx(1);
    sealed_updates *s = calloc(1, sizeof *s);
    assert_non_null(s);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 2, NULL));
    assert_ok(parseal_seeds_create(&seeds, ctx, &seed, 1));
    s->ctx = ctx;
    s->keys = keys;
    s->seeds = seeds;
    for (size_t kind = 0; kind < RINGS; kind++)
        seal_updates(s, kind);
    run_aggregators(s);
    free(s);
    parseal_seeds_destroy(seeds);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* ----------------------------------------------------------------------------------- objects -- */

/* Creating and destroying contexts and what hangs on them, everywhere at once. */
static void *create_and_destroy(void *arg)
{
    parseal_status *status = arg;
    const uint8_t key[PARSEAL_AES128GCM_KEYBYTES] = {1};
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1;
    for (int i = 0; i < ROUNDS && *status == PARSEAL_OK; i++) {
        parseal_ctx *ctx = NULL;
        parseal_keys *keys = NULL;
        *status = parseal_ctx_create(&ctx, &options);
        if (*status == PARSEAL_OK)
            *status = parseal_keys_create(&keys, ctx, PARSEAL_AES128GCM, key, 1, NULL);
        parseal_ctx_destroy(ctx);
        parseal_keys_destroy(keys);
    }
    return NULL;
}

static void threads_create_contexts(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    parseal_status status[THREADS] = {PARSEAL_OK};
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, create_and_destroy, &status[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(status[i]);
    }
}

/* One set of keys, referred to and let go by all threads: the last reference counts. */
static void *make_plans(void *arg)
{
    const parseal_keys *keys = arg;
    const uint64_t len = 10;
    const uint64_t offset = 0;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = 1;
    shape.len = &len;
    shape.in_offset = &offset;
    for (int i = 0; i < 50 * ROUNDS; i++) {
        parseal_plan *plan = NULL;
        if (parseal_plan_create(&plan, keys, &shape) != PARSEAL_OK)
            return arg;
        parseal_plan_destroy(plan);
    }
    return NULL;
}

static void threads_count_references(void **state)
{
    (void)state;
    const uint8_t key[PARSEAL_AES128GCM_KEYBYTES] = {1};
    parseal_keys *keys = NULL;
    pthread_t threads[THREADS];
    parseal_ctx *ctx = run_ctx(1);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES128GCM, key, 1, NULL));
    parseal_ctx_destroy(ctx);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_plans, keys), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    parseal_keys_destroy(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_objects),
        cmocka_unit_test(threads_have_aggregators),
        cmocka_unit_test(threads_create_contexts),
        cmocka_unit_test(threads_count_references),
    };
    return RUN_SUITE("threads", tests);
}
