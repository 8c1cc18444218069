#include "subjects.h"

#include <parseal/fcp.h>
#include <string.h>

#include "check.h"
#include "rng.h"

const uint8_t subject_secret[32] = {
    0x5e, 0xc3, 0x7e, 0x11, 0x90, 0x0d, 0xf0, 0x0d, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf1,
    0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07, 0x18, 0x29, 0x3a, 0x4b, 0x5c, 0x6d, 0x7e, 0x8f, 0x90};

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};

void subject_fill(subject_data *data)
{
    rng r = rng_for("subjects");
    rng_fill(&r, data, sizeof *data);
    for (size_t i = 0; i < SUBJECT_COUNT; i++)
        data->x[i] = (float)i / SUBJECT_COUNT - 0.5f;
}

#define PART(kind, memory, field)                                  \
    ((parseal_buf){kind, 0, memory, offsetof(subject_data, field), \
                   sizeof((subject_data *)0)->field})

static parseal_vec vec_of(parseal_buf buf)
{
    return (parseal_vec){buf, SUBJECT_COUNT};
}

/* --------------------------------------------------------------------------------------- plan --
 */

static parseal_status make_plan(subject_objects *o)
{
    static const uint64_t len = SUBJECT_LEN, offset = 0;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = 1;
    shape.len = &len;
    shape.in_offset = &offset;
    shape.graph_writes = 1; /* A graph that is replayed once repeats nothing. */
    const parseal_status status =
        parseal_keys_create(&o->keys, o->ctx, PARSEAL_AES256GCM, subject_secret, 1, NULL);
    return status == PARSEAL_OK ? parseal_plan_create(&o->plan, o->keys, &shape) : status;
}

static parseal_status seal(const subject_objects *o, uint32_t kind, uint64_t memory, void *stream)
{
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = PART(kind, memory, in);
    io.out = PART(kind, memory, out);
    io.nonce = PART(kind, memory, nonce);
    io.tag = PART(kind, memory, tag);
    io.verdict = PART(kind, memory, verdict);
    io.workspace = PART(kind, memory, workspace);
    return parseal_plan_seal(o->plan, &io, stream);
}

static void destroy_plan_first(subject_objects *o)
{
    parseal_plan_destroy(o->plan);
    parseal_keys_destroy(o->keys);
}

static void destroy_keys_first(subject_objects *o)
{
    parseal_keys_destroy(o->keys);
    parseal_plan_destroy(o->plan);
}

/* -------------------------------------------------------------------------------------- seeds --
 */

/* The first call's masks are those of a set that does not count. */
static parseal_counting counting(void)
{
    parseal_counting c = PARSEAL_COUNTING_INIT;
    c.step = 1;
    return c;
}

static parseal_status make_seeds(subject_objects *o)
{
    const parseal_counting c = counting();
    parseal_seed seed = {.sign = -1};
    memcpy(seed.key, subject_secret, sizeof seed.key);
    return o->for_graph ? parseal_seeds_create_counting(&o->seeds, o->ctx, &seed, 1, &c)
                        : parseal_seeds_create(&o->seeds, o->ctx, &seed, 1);
}

static parseal_status make_fcp(subject_objects *o)
{
    const parseal_fcp_key key = {subject_secret, sizeof subject_secret, 1};
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    const parseal_counting c = counting();
    mask.session_id = "subjects";
    mask.session_id_len = 8;
    mask.modulus = ring.modulus;
    mask.n = SUBJECT_COUNT;
    return o->for_graph ? parseal_fcp_seeds_create_counting(&o->seeds, o->ctx, &mask, &key, 1, &c)
                        : parseal_fcp_seeds_create(&o->seeds, o->ctx, &mask, &key, 1);
}

static parseal_status mask(const subject_objects *o, uint32_t kind, uint64_t memory, void *stream)
{
    const parseal_vec acc = vec_of(PART(kind, memory, acc));
    return parseal_mask_apply(o->seeds, &ring, &acc, 0, stream);
}

static parseal_status draw(const subject_objects *o, uint32_t kind, uint64_t memory, void *stream)
{
    const parseal_vec x = vec_of(PART(kind, memory, x)), v = vec_of(PART(kind, memory, v));
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1.0f;
    return parseal_quantize(o->ctx, &quant, &x, &v, o->seeds, 3, NULL, stream);
}

static void destroy_seeds(subject_objects *o)
{
    parseal_seeds_destroy(o->seeds);
}

/* ------------------------------------------------------------------------------------ context --
 */

static parseal_status make_nothing(subject_objects *o)
{
    (void)o;
    return PARSEAL_OK;
}

static parseal_status sum(const subject_objects *o, uint32_t kind, uint64_t memory, void *stream)
{
    const parseal_vec acc = vec_of(PART(kind, memory, acc)), v = vec_of(PART(kind, memory, v));
    return parseal_vec_sum(o->ctx, &ring, &acc, &v, 1, stream);
}

static void destroy_context(subject_objects *o)
{
    parseal_ctx_destroy(o->ctx);
    o->ctx = NULL;
}

const subject subjects[SUBJECTS] = {
    {"a plan, then its keys", make_plan, seal, destroy_plan_first, false, false},
    {"keys, then their plan", make_plan, seal, destroy_keys_first, false, false},
    {"seeds of a mask", make_seeds, mask, destroy_seeds, false, false},
    {"the seed of a quantisation", make_seeds, draw, destroy_seeds, false, false},
    {"keys of parseal/fcp.h", make_fcp, mask, destroy_seeds, false, true},
    {"a context", make_nothing, sum, destroy_context, true, true},
};

static parseal_status open_objects(const subject *s, const parseal_options *options,
                                   subject_objects *o)
{
    return s->is_context ? parseal_ctx_create(&o->ctx, options) : s->make(o);
}

parseal_status subject_open(const subject *s, parseal_ctx *ctx, const parseal_options *options,
                            subject_objects *o)
{
    *o = (subject_objects){.ctx = ctx};
    return open_objects(s, options, o);
}

parseal_status subject_open_for_graph(const subject *s, parseal_ctx *ctx,
                                      const parseal_options *options, subject_objects *o)
{
    *o = (subject_objects){.ctx = ctx, .for_graph = true};
    return open_objects(s, options, o);
}

void subject_expect(const subject *s, subject_data *data)
{
    subject_objects o = {0};
    parseal_ctx *cpu;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&cpu, &options));
    o.ctx = cpu;
    assert_ok(s->make(&o));
    assert_ok(s->work(&o, PARSEAL_BUF_HOST, (uintptr_t)data, NULL));
    s->destroy(&o);
    if (!s->is_context)
        parseal_ctx_destroy(cpu);
}
