/* Every call to a GPU's runtime fails once. The status is then an error or the result is right,
 * what is called authentic is, nothing stays behind, and the context goes on. The argument names
 * the backend. */
#include <parseal/aggregator.h>
#include <stdlib.h>
#include <string.h>

#include "fault_bench.h"
#include "host/backend/objects.h"
#include "rng.h"
#include "run.h"

/* ------------------------------------------------------------------------------------- bench -- */

enum { MESSAGES = 6, BAD = 3, LENGTH_MAX = 5000, AAD_MAX = 60, COUNT = 1501, INPUTS = 3 };
enum { LONG = 600000 }; /* no slot of the memory that is allowed here holds it */

static const size_t lengths[MESSAGES] = {0, 1, 333, 2048, LENGTH_MAX, 16};
static const size_t aad_lengths[MESSAGES] = {0, AAD_MAX, 1, 17, 0, 32};

static uint8_t plain[MESSAGES][LENGTH_MAX], aad[AAD_MAX], long_plain[LONG];
static uint8_t sealed[MESSAGES][LENGTH_MAX], long_sealed[LONG];
static parseal_msg sealed_msgs[MESSAGES], long_msg;

static void messages(parseal_msg msgs[MESSAGES], uint8_t in[MESSAGES][LENGTH_MAX],
                     uint8_t out[MESSAGES][LENGTH_MAX])
{
    for (size_t i = 0; i < MESSAGES; i++) {
        msgs[i] = (parseal_msg){.in = in[i],
                                .out = out[i],
                                .len = lengths[i],
                                .aad = aad,
                                .aad_len = aad_lengths[i],
                                .key = (uint32_t)(i % KEYS)};
        msgs[i].nonce[0] = (uint8_t)i;
        memcpy(msgs[i].tag, sealed_msgs[i].tag, sizeof msgs[i].tag);
    }
}

static parseal_msg long_message(const uint8_t *in, uint8_t *out)
{
    parseal_msg m = {.in = in, .out = out, .len = LONG, .aad = aad, .aad_len = AAD_MAX};
    memcpy(m.tag, long_msg.tag, sizeof m.tag);
    return m;
}

static int open_both(void **state)
{
    (void)state;
    rng r = rng_for("faults");
    rng_fill(&r, plain, sizeof plain);
    rng_fill(&r, long_plain, sizeof long_plain);
    rng_fill(&r, aad, sizeof aad);
    rng_fill(&r, key_bytes, sizeof key_bytes);
    shim.fail_at(0);
    assert_ok(side_open(&cpu, PARSEAL_BACKEND_CPU));
    assert_ok(side_open(&device, tested->backend));
    side_fill(&cpu);
    side_fill(&device);
    messages(sealed_msgs, plain, sealed);
    long_msg = long_message(long_plain, long_sealed);
    assert_ok(parseal_seal(cpu.keys, sealed_msgs, MESSAGES));
    assert_ok(parseal_seal(cpu.keys, &long_msg, 1));
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    shim.fail_at(0);
    side_close(&device);
    side_close(&cpu);
    assert_int_equal(shim.live(), 0);
    return 0;
}

static bool is_filled(const uint8_t *bytes, size_t n, uint8_t with)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != with)
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------- contexts -- */

/* Self-tests make most of these calls, and all look alike: not each of them fails. */
static void creating(void **state)
{
    (void)state;
    const uint64_t each = run_share(200, 4), step = run_emulated() ? 97 : 37;
    uint64_t tried = 0;
    assert_int_equal(shim.live(), 0);
    for (failing = 1;; failing += failing < each ? 1 : step) {
        side s = {0};
        shim.fail_at(failing);
        const parseal_status status = side_open(&s, tested->backend);
        const bool met = shim.failed()[0] != '\0';
        ensure(met || status == PARSEAL_OK);
        ensure((status == PARSEAL_OK) == (s.ctx != NULL));
        side_close(&s);
        ensure(shim.live() == 0);
        tried++;
        if (!met)
            break;
    }
    print_message("parseal_ctx_create: %" PRIu64 " of %" PRIu64 " calls\n", tried - 1, failing - 1);
}

/* ----------------------------------------------------------------------------------- batches -- */

static uint8_t out[MESSAGES][LENGTH_MAX], long_out[LONG];

static parseal_status seal_some(const parseal_keys *keys)
{
    parseal_msg msgs[MESSAGES];
    messages(msgs, plain, out);
    const parseal_status status = parseal_seal(keys, msgs, MESSAGES);
    for (size_t i = 0; i < MESSAGES; i++) {
        ensure(status != PARSEAL_OK || msgs[i].status == PARSEAL_ITEM_OK);
        if (msgs[i].status != PARSEAL_ITEM_OK)
            continue;
        ensure(memcmp(out[i], sealed[i], lengths[i]) == 0);
        ensure(memcmp(msgs[i].tag, sealed_msgs[i].tag, sizeof msgs[i].tag) == 0);
    }
    return status;
}

static parseal_status seal_batch(void)
{
    return seal_some(device.keys);
}

static parseal_status open_batch(void)
{
    parseal_msg msgs[MESSAGES];
    size_t n_failed = MESSAGES + 1;
    messages(msgs, sealed, out);
    msgs[BAD].tag[7] ^= 1;
    memset(out, UNTOUCHED, sizeof out);
    const parseal_status status = parseal_open(device.keys, msgs, MESSAGES, &n_failed);
    ensure(status != PARSEAL_OK);
    ensure(status != PARSEAL_ERR_AUTH || n_failed == 1);
    for (size_t i = 0; i < MESSAGES; i++) {
        const int32_t right = i == BAD ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK;
        ensure(msgs[i].status == right ||
               (status != PARSEAL_ERR_AUTH && msgs[i].status == PARSEAL_ITEM_UNSET));
        if (msgs[i].status == PARSEAL_ITEM_OK)
            ensure(memcmp(out[i], plain[i], lengths[i]) == 0);
        else
            ensure(is_filled(out[i], lengths[i], 0) || is_filled(out[i], lengths[i], UNTOUCHED));
    }
    return status == PARSEAL_ERR_AUTH ? PARSEAL_OK : status;
}

static parseal_status seal_long_with(const parseal_keys *keys)
{
    parseal_msg m = long_message(long_plain, long_out);
    const parseal_status status = parseal_seal(keys, &m, 1);
    ensure(status != PARSEAL_OK || m.status == PARSEAL_ITEM_OK);
    ensure(m.status != PARSEAL_ITEM_OK || (memcmp(long_out, long_sealed, LONG) == 0 &&
                                           memcmp(m.tag, long_msg.tag, sizeof m.tag) == 0));
    return status;
}

static parseal_status seal_long(void)
{
    return seal_long_with(device.keys);
}

/* In place: once ciphertext is overwritten, there is no other way to the message. */
static parseal_status open_long(void)
{
    memcpy(long_out, long_sealed, LONG);
    parseal_msg m = long_message(long_out, long_out);
    const parseal_status status = parseal_open(device.keys, &m, 1, NULL);
    ensure(status != PARSEAL_OK || m.status == PARSEAL_ITEM_OK);
    ensure(status == PARSEAL_OK || m.status == PARSEAL_ITEM_UNSET);
    ensure(m.status != PARSEAL_ITEM_OK || memcmp(long_out, long_plain, LONG) == 0);
    return status;
}

/* What is not authentic shows nothing of the message. */
static parseal_status refuse_long(void)
{
    memset(long_out, UNTOUCHED, LONG);
    parseal_msg m = long_message(long_sealed, long_out);
    m.tag[0] ^= 0x80;
    const parseal_status status = parseal_open(device.keys, &m, 1, NULL);
    ensure(status != PARSEAL_OK);
    ensure(m.status == (status == PARSEAL_ERR_AUTH ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_UNSET));
    ensure(is_filled(long_out, LONG, 0) || is_filled(long_out, LONG, UNTOUCHED));
    return status == PARSEAL_ERR_AUTH ? PARSEAL_OK : status;
}

static parseal_status with_new_keys(size_t n, parseal_status (*seal)(const parseal_keys *keys))
{
    parseal_keys *keys = NULL;
    parseal_status status =
        parseal_keys_create(&keys, device.ctx, PARSEAL_AES256GCM, key_bytes, n, NULL);
    ensure((status == PARSEAL_OK) == (keys != NULL));
    if (keys != NULL)
        status = seal(keys);
    parseal_keys_destroy(keys);
    return status;
}

static parseal_status new_keys(void)
{
    return with_new_keys(KEYS, seal_some);
}

/* The memory that is allowed here has room for what CUDA prepares of one key, not of KEYS. */
static parseal_status new_key(void)
{
    return with_new_keys(1, seal_long_with);
}

/* A context's first calls find no memory that earlier ones have left. */
static void first_long_messages(void **state)
{
    (void)state;
    enum { EACH = 60 };
    bool met = true;
    for (failing = 1; met && failing <= EACH; failing += run_emulated() ? 7 : 1) {
        shim.fail_at(0);
        side_close(&device);
        assert_ok(side_open(&device, tested->backend));
        side_fill(&device);
        shim.fail_at(failing);
        met = met_failure(seal_long());
    }
}

static void batches(void **state)
{
    (void)state;
    fail_all("parseal_keys_create", new_keys);
    fail_all("parseal_seal", seal_batch);
    fail_all("parseal_open", open_batch);
}

static void long_messages(void **state)
{
    (void)state;
    const uint64_t step = run_emulated() ? 31 : 1;
    fail_some("parseal_seal, in parts", seal_long, step);
    fail_some("parseal_open, in parts", open_long, step);
    fail_some("parseal_open, in parts, not authentic", refuse_long, step);
    fail_some("parseal_keys_create of one key, parseal_seal in parts", new_key, 2 * step - 1);
}

/* Where AUTO has picked the device, the CPU finishes what fails there. */
static void finished_on_the_cpu(void **state)
{
    (void)state;
    parseal_info info = PARSEAL_INFO_INIT;
    bool met = true;
    shim.fail_at(0);
    side_close(&device);
    assert_int_equal(setenv(tested->variable, tested->first, 1), 0);
    assert_ok(side_open(&device, PARSEAL_BACKEND_AUTO));
    assert_int_equal(unsetenv(tested->variable), 0);
    side_fill(&device);
    memset(device.ctx->crossover, 0,
           sizeof device.ctx->crossover); /* nothing is too small for it */
    for (failing = 1; met; failing++) {
        shim.fail_at(failing);
        const parseal_status status = failing % 2 != 0 ? seal_batch() : open_batch();
        met = met_failure(status);
        ensure(status == PARSEAL_OK);
    }
    assert_ok(parseal_ctx_info(device.ctx, &info));
    assert_int_equal(info.backend, tested->backend);
    assert_in_range(info.cpu_finished, 1, failing);
}

/* ------------------------------------------------------------------------------------- plans -- */

/* The shape of the batch above, with messages at LENGTH_MAX from each other. */
static parseal_plan *make_plan(const parseal_keys *keys, parseal_status *status)
{
    uint64_t len[MESSAGES], offset[MESSAGES], aad_len[MESSAGES], aad_offset[MESSAGES] = {0};
    uint32_t key[MESSAGES];
    parseal_plan *plan = NULL;
    for (size_t i = 0; i < MESSAGES; i++) {
        len[i] = lengths[i];
        offset[i] = i * LENGTH_MAX;
        aad_len[i] = aad_lengths[i];
        key[i] = (uint32_t)(i % KEYS);
    }
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = MESSAGES;
    shape.len = len;
    shape.in_offset = offset;
    shape.aad_len = aad_len;
    shape.aad_offset = aad_offset;
    shape.key = key;
    *status = parseal_plan_create(&plan, keys, &shape);
    ensure((*status == PARSEAL_OK) == (plan != NULL));
    return plan;
}

/* What a run of the plan finds, and what it leaves. */
static uint8_t nonces[MESSAGES][PARSEAL_AES256GCM_NONCEBYTES], tags[MESSAGES][PARSEAL_TAGBYTES];
static int32_t verdicts[MESSAGES];
_Alignas(16) static uint8_t workspace[1024];

static parseal_status run_plan(uint8_t in[MESSAGES][LENGTH_MAX], bool open)
{
    parseal_status status;
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    parseal_plan *plan = make_plan(device.keys, &status);
    memset(verdicts, 0xff, sizeof verdicts);
    if (plan == NULL)
        return status;
    ensure(parseal_plan_workspace_size(plan) <= sizeof workspace);
    io.in = parseal_host_buf(in, sizeof out);
    io.out = parseal_host_buf(out, sizeof out);
    io.aad = parseal_host_buf(aad, sizeof aad);
    io.nonce = parseal_host_buf(nonces, sizeof nonces);
    io.tag = parseal_host_buf(tags, sizeof tags);
    io.verdict = parseal_host_buf(verdicts, sizeof verdicts);
    io.workspace = parseal_host_buf(workspace, sizeof workspace);
    for (size_t i = 0; i < MESSAGES; i++)
        memcpy(nonces[i], sealed_msgs[i].nonce, sizeof nonces[i]);
    status = open ? parseal_plan_open(plan, &io, NULL) : parseal_plan_seal(plan, &io, NULL);
    for (size_t i = 0; i < MESSAGES; i++)
        ensure(status == PARSEAL_OK || verdicts[i] == PARSEAL_ITEM_UNSET);
    parseal_plan_destroy(plan);
    return status;
}

static parseal_status seal_plan(void)
{
    const parseal_status status = run_plan(plain, false);
    for (size_t i = 0; status == PARSEAL_OK && i < MESSAGES; i++) {
        ensure(verdicts[i] == PARSEAL_ITEM_OK);
        ensure(memcmp(out[i], sealed[i], lengths[i]) == 0);
        ensure(memcmp(tags[i], sealed_msgs[i].tag, sizeof tags[i]) == 0);
    }
    return status;
}

static parseal_status open_plan(void)
{
    memset(out, UNTOUCHED, sizeof out);
    for (size_t i = 0; i < MESSAGES; i++)
        memcpy(tags[i], sealed_msgs[i].tag, sizeof tags[i]);
    tags[BAD][0] ^= 4;
    const parseal_status status = run_plan(sealed, true);
    ensure(is_filled(out[BAD], lengths[BAD], 0) || is_filled(out[BAD], lengths[BAD], UNTOUCHED));
    for (size_t i = 0; status == PARSEAL_OK && i < MESSAGES; i++) {
        ensure(verdicts[i] == (i == BAD ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK));
        ensure(i == BAD || memcmp(out[i], plain[i], lengths[i]) == 0);
    }
    return status;
}

static void plans(void **state)
{
    (void)state;
    fail_all("parseal_plan_seal", seal_plan);
    fail_all("parseal_plan_open", open_plan);
}

/* ----------------------------------------------------------------------------------- vectors -- */

static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
static uint32_t start[COUNT], got[COUNT], want[COUNT];

static parseal_vec vec(const void *p)
{
    return parseal_host_vec(p, COUNT, 4);
}

/* The same on the device and on the CPU. */
typedef parseal_status (*twice)(const side *s, uint32_t *result);

static parseal_status compare(twice run)
{
    memcpy(got, start, sizeof got);
    const parseal_status status = run(&device, got);
    if (status != PARSEAL_OK)
        return status;
    memcpy(want, start, sizeof want);
    assert_ok(run(&cpu, want));
    ensure(memcmp(got, want, sizeof want) == 0);
    return PARSEAL_OK;
}

static parseal_status mask_on(const side *s, uint32_t *result)
{
    const parseal_vec acc = vec(result);
    return parseal_mask_apply(s->seeds, &ring, &acc, 11, NULL);
}

static parseal_status seeds_on(const side *s, uint32_t *result)
{
    const parseal_vec acc = vec(result);
    parseal_seeds *seeds = NULL;
    parseal_status status = parseal_seeds_create(&seeds, s->ctx, seed_list, 2);
    ensure((status == PARSEAL_OK) == (seeds != NULL));
    if (seeds != NULL)
        status = parseal_mask_write(seeds, &ring, &acc, 5, NULL);
    parseal_seeds_destroy(seeds);
    return status;
}

static parseal_status sum_on(const side *s, uint32_t *result)
{
    const parseal_vec acc = vec(result), v[INPUTS] = {vec(start), vec(long_plain), vec(plain)};
    return parseal_vec_sum(s->ctx, &ring, &acc, v, INPUTS, NULL);
}

static parseal_status quantize_on(const side *s, uint32_t *result)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    parseal_seeds *seed = NULL;
    uint64_t nonfinite = UINT64_MAX;
    const parseal_vec x = vec(start), q = vec(result);
    const parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    quant.clip = 3;
    parseal_status status = parseal_seeds_create(&seed, s->ctx, seed_list, 1);
    if (status == PARSEAL_OK)
        status = parseal_quantize(s->ctx, &quant, &x, &q, seed, 0, &count, NULL);
    parseal_seeds_destroy(seed);
    result[0] = result[0] ^ (uint32_t)nonfinite; /* compared with the rest */
    return status;
}

static parseal_status dequantize_on(const side *s, uint32_t *result)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const parseal_vec sum = vec(start), mean = vec(result);
    quant.clip = 3;
    return parseal_dequantize(s->ctx, &quant, &sum, 9, &mean, NULL, NULL);
}

static parseal_status pack_on(const side *s, uint32_t *result)
{
    uint64_t size;
    const parseal_vec elements = vec(start);
    assert_ok(parseal_packed_size(COUNT, 13, &size));
    const parseal_buf packed = parseal_host_buf(result, size);
    return parseal_pack(s->ctx, 13, 4, &elements, &packed, NULL);
}

static parseal_status unpack_on(const side *s, uint32_t *result)
{
    uint64_t size;
    const parseal_vec elements = vec(result);
    assert_ok(parseal_packed_size(COUNT, 13, &size));
    const parseal_buf packed = parseal_host_buf(long_plain, size);
    return parseal_unpack(s->ctx, 13, 4, &packed, &elements, NULL);
}

#define WORK(name)                   \
    static parseal_status name(void) \
    {                                \
        return compare(name##_on);   \
    }
WORK(mask)
WORK(seeds)
WORK(sum)
WORK(quantize)
WORK(dequantize)
WORK(pack)
WORK(unpack)

static void vectors(void **state)
{
    (void)state;
    memcpy(start, long_plain + LONG / 2, sizeof start);
    fail_all("parseal_mask_apply", mask);
    fail_all("parseal_seeds_create, parseal_mask_write", seeds);
    fail_all("parseal_vec_sum", sum);
    fail_all("parseal_quantize", quantize);
    fail_all("parseal_dequantize", dequantize);
    fail_all("parseal_pack", pack);
    fail_all("parseal_unpack", unpack);
}

/* -------------------------------------------------------------------------------- aggregators --
 */

enum { BITS = 13, UPDATES = 3, UPDATE_BYTES = (COUNT * BITS + 7) / 8 };

/* The first two are sealed; one that is not authentic comes between them. */
static parseal_status add_updates(parseal_aggregator *a, const side *s)
{
    static uint8_t text[UPDATES][UPDATE_BYTES];
    parseal_update updates[UPDATES + 1];
    size_t added = 99;
    for (size_t i = 0; i <= UPDATES; i++) {
        const size_t k = i < UPDATES ? i : 0;
        parseal_msg m = {.in = long_plain + 99 * k, .out = text[k], .len = UPDATE_BYTES};
        m.nonce[0] = (uint8_t)k;
        assert_ok(parseal_seal(cpu.keys, &m, 1));
        updates[i] = (parseal_update){.client = i, .in = text[k], .len = UPDATE_BYTES};
        memcpy(updates[i].nonce, m.nonce, sizeof m.nonce);
        memcpy(updates[i].tag, m.tag, sizeof m.tag);
    }
    updates[1].tag[3] ^= 1;
    const parseal_status status = parseal_aggregator_add_sealed(a, s->keys, updates, 3, &added);
    if (status != PARSEAL_ERR_AUTH)
        return status;
    ensure(added == 2 && updates[1].status == PARSEAL_ITEM_BAD_TAG);
    return parseal_aggregator_add_plain(a, updates + UPDATES, 1, NULL);
}

static parseal_status aggregate_with(parseal_aggregator *a, const side *s, uint32_t *result)
{
    const parseal_vec sum = vec(result);
    parseal_status status = add_updates(a, s);
    if (status == PARSEAL_OK)
        status = parseal_aggregator_unmask(a, s->seeds);
    if (status != PARSEAL_OK) { /* it may be lost; it never gives a sum that is not whole */
        parseal_update nobody = {.client = 0};
        const parseal_status later = parseal_aggregator_sum(a, &sum);
        ensure(later == PARSEAL_ERR_DEVICE || later == PARSEAL_OK || met_failure(later));
        ensure(parseal_aggregator_add_plain(a, &nobody, 1, NULL) != PARSEAL_OK);
        return status;
    }
    return parseal_aggregator_sum(a, &sum);
}

static parseal_status aggregate_on(const side *s, uint32_t *result)
{
    parseal_aggregator *a = NULL;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = ring;
    options.dim = COUNT;
    options.bits = BITS;
    parseal_status status = parseal_aggregator_create(&a, s->ctx, &options);
    ensure((status == PARSEAL_OK) == (a != NULL));
    if (status == PARSEAL_OK)
        status = aggregate_with(a, s, result);
    parseal_aggregator_destroy(a);
    return status;
}

WORK(aggregate)

static void aggregators(void **state)
{
    (void)state;
    fail_all("parseal_aggregator_*", aggregate);
}

static bool has_device(void)
{
    side s = {0};
    const parseal_status status = side_open(&s, tested->backend);
    side_close(&s);
    return status != PARSEAL_ERR_NO_DEVICE;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),
        cmocka_unit_test_setup_teardown(batches, open_both, close_both),
        cmocka_unit_test_setup_teardown(long_messages, open_both, close_both),
        cmocka_unit_test_setup_teardown(first_long_messages, open_both, close_both),
        cmocka_unit_test_setup_teardown(finished_on_the_cpu, open_both, close_both),
        cmocka_unit_test_setup_teardown(plans, open_both, close_both),
        cmocka_unit_test_setup_teardown(vectors, open_both, close_both),
        cmocka_unit_test_setup_teardown(aggregators, open_both, close_both),
    };
    if (argc != 2 || !fault_subject_find(argv[1])) {
        print_error("usage: %s opencl|cuda\n", argv[0]);
        return 1;
    }
    if (!has_device())
        return run_skip("no device");
    return RUN_SUITE("failing calls", tests);
}
