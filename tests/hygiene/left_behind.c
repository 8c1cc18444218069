/* After each call that has handled a secret: nothing of it is left on any thread's stack, on the
 * heap, or in a register. What the library keeps is in guarded memory, which this program sees by
 * standing in for the arena and for libsodium's allocator. Of an arena's memory all is searched but
 * the leases that are in use. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "all_threads.h"
#include "check.h"
#include "fallback/backend/candidates.h"
#include "host/support/arena.h"
#include "host/support/wipe.h"
#include "parseal/aggregator.h"
#include "parseal/fcp.h"
#include "parseal/sealed.h"
#include "parseal/secagg.h"
#include "run.h"
#include "scan.h"

/* ------------------------------------------------------------------------- guarded memory -- */

enum { GUARDED_MAX = 64, THREADS = 3 };

static struct {
    void *p;
    size_t size;
} guarded[GUARDED_MAX];
static bool in_arena; /* what libsodium is asked for now is a slab */

bool __real_arena_take(arena *a, size_t n, size_t size, bool own_pages, arena_lease *lease);
void __real_arena_give(arena *a, arena_lease *lease);
bool __wrap_arena_take(arena *a, size_t n, size_t size, bool own_pages, arena_lease *lease);
void __wrap_arena_give(arena *a, arena_lease *lease);
void *__real_sodium_malloc(size_t size);
void __real_sodium_free(void *p);
void *__wrap_sodium_malloc(size_t size);
void *__wrap_sodium_allocarray(size_t n, size_t size);
void __wrap_sodium_free(void *p);

/* Large blocks are segments of a stream, which are in the caller's memory too. */
static void remember_guarded(const char *what, size_t i)
{
    if (guarded[i].size < (1 << 16))
        scan_remember(what, guarded[i].p, guarded[i].size, 16);
}

static void note_guarded(void *p, size_t size)
{
    for (size_t i = 0; p != NULL; i++) {
        assert_true(i < GUARDED_MAX);
        if (guarded[i].p != NULL)
            continue;
        guarded[i].p = p;
        guarded[i].size = size;
        break;
    }
}

static void forget_guarded(void *p)
{
    for (size_t i = 0; p != NULL && i < GUARDED_MAX; i++)
        if (guarded[i].p == p) {
            remember_guarded("guarded memory, now free", i);
            guarded[i].p = NULL;
        }
}

bool __wrap_arena_take(arena *a, size_t n, size_t size, bool own_pages, arena_lease *lease)
{
    in_arena = true;
    const bool taken = __real_arena_take(a, n, size, own_pages, lease);
    in_arena = false;
    if (taken) {
        note_guarded(lease->bytes, lease->size);
        scan_leave_out(lease->bytes, lease->size);
    }
    return taken;
}

void __wrap_arena_give(arena *a, arena_lease *lease)
{
    scan_look_into(lease->bytes);
    forget_guarded(lease->bytes);
    __real_arena_give(a, lease);
}

void *__wrap_sodium_malloc(size_t size)
{
    void *p = __real_sodium_malloc(size);
    if (!in_arena)
        note_guarded(p, size);
    return p;
}

void *__wrap_sodium_allocarray(size_t n, size_t size)
{
    return __wrap_sodium_malloc(n * size);
}

void __wrap_sodium_free(void *p)
{
    forget_guarded(p);
    __real_sodium_free(p);
}

/* -------------------------------------------------------------------------------- secrets -- */

/* What calls are given: filled before, cleared after, so that it is in memory only meanwhile. */
enum { SECRETS = 4, SECRET = 32 };
static uint8_t clear[SECRETS * SECRET];
static uint32_t drawn;

static void clear_bytes(volatile void *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)p)[i] = 0;
}

/* Byte by byte, so that no copy is left in a vector register of this program. */
static void draw_secrets(void)
{
    volatile uint8_t *p = clear;
    for (size_t i = 0; i < sizeof clear; i++) {
        drawn = drawn * 1664525 + 1013904223;
        p[i] = (uint8_t)(drawn >> 24);
    }
    scan_remember("a key", clear, sizeof clear, 4);
    scan_remember_spread("a key's word", clear, sizeof clear);
}

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds, *rounding, *fcp[2];
    parseal_aggregator *aggregator;
    uint8_t *in, *out;
    parseal_msg msgs[3];
} bench;

enum { BYTES = 250000, ELEMENTS = 20000, PRIME = 1000003, HALF_REJECTED = 1073741825 };

static scan_registers own, others[THREADS];

static void store_registers(void *unused, uint32_t thread)
{
    (void)unused;
    if (thread > 0)
        scan_store_registers(&others[thread]);
}

/* Registers of the threads that the call has used: the same pool serves this program. */
static void store_all_registers(void)
{
    scan_store_registers(&own);
    on_all_threads(THREADS, store_registers, NULL);
}

static void nothing_is_left(const char *call)
{
    size_t found = 0;
    clear_bytes(clear, sizeof clear);
    for (size_t i = 0; i < GUARDED_MAX; i++)
        if (guarded[i].p != NULL)
            remember_guarded("guarded memory", i);
    found += scan_stored(call, &own);
    for (size_t i = 0; i < THREADS; i++)
        found += scan_stored(call, &others[i]);
    found += scan_memory(call);
    if (found > 0)
        fail_msg("%s: secrets are left in %zu places", call, found);
}

/* The registers are looked at before anything else runs. */
#define CALL_FOR(status, call)                     \
    do {                                           \
        const parseal_status call_status = (call); \
        store_all_registers();                     \
        assert_status(call_status, status);        \
        nothing_is_left(#call);                    \
    } while (0)

#define CALL(call) CALL_FOR(PARSEAL_OK, call)

/* ---------------------------------------------------------------------------------- calls -- */

static void set_messages(bench *b, size_t n, size_t len)
{
    memset(b->msgs, 0, sizeof b->msgs);
    for (size_t i = 0; i < n; i++) {
        b->msgs[i].in = b->in + i * len;
        b->msgs[i].out = b->out + i * len;
        b->msgs[i].len = len;
        b->msgs[i].nonce[0] = (uint8_t)i;
    }
}

static void open_messages(bench *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b->msgs[i].in = b->msgs[i].out;
    CALL(parseal_open(b->keys, b->msgs, n, NULL));
}

/* One message a call has a way of its own, where less is wiped. The lengths take all parts of it:
 * one register, parts of a chunk, a chunk and more. */
static void use_keys_alone(bench *b)
{
    static const size_t lengths[] = {16, 100, 400, 1024, 5000};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        set_messages(b, 1, lengths[i]);
        CALL(parseal_seal(b->keys, b->msgs, 1));
        open_messages(b, 1);
    }
    set_messages(b, 1, 1000);
    CALL(parseal_seal(b->keys, b->msgs, 1));
    b->msgs->tag[0] ^= 1;
    b->msgs->in = b->msgs->out;
    CALL_FOR(PARSEAL_ERR_AUTH, parseal_open(b->keys, b->msgs, 1, NULL));
}

static void use_keys(bench *b, int32_t alg)
{
    draw_secrets();
    CALL(parseal_keys_create(&b->keys, b->ctx, alg, clear, 2, NULL));
    use_keys_alone(b);
    set_messages(b, 3, 5000);
    CALL(parseal_seal(b->keys, b->msgs, 3));
    open_messages(b, 3);
    set_messages(b, 1, BYTES); /* cut, where there are threads */
    CALL(parseal_seal(b->keys, b->msgs, 1));
    open_messages(b, 1);
    parseal_keys_destroy(b->keys);
    nothing_is_left("parseal_keys_destroy");
}

static void seals_and_opens(bench *b)
{
    use_keys(b, PARSEAL_AES128GCM);
    use_keys(b, PARSEAL_AES256GCM);
}

static void runs_plans(bench *b)
{
    const uint64_t len[] = {200000, 70}, offset[] = {0, 200000};
    static uint8_t nonces[2 * 24], tags[2 * 16];
    int32_t verdicts[2];
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    parseal_plan *plan;
    shape.n = 2;
    shape.len = len;
    shape.in_offset = offset;
    draw_secrets();
    assert_ok(parseal_keys_create(&b->keys, b->ctx, PARSEAL_AES256GCM, clear, 1, NULL));
    CALL(parseal_plan_create(&plan, b->keys, &shape));
    const size_t work_size = (size_t)parseal_plan_workspace_size(plan);
    uint8_t *work = aligned_alloc(16, (work_size + 16) / 16 * 16);
    assert_non_null(work);
    io.in = parseal_host_buf(b->in, BYTES);
    io.out = parseal_host_buf(b->out, BYTES);
    io.nonce = parseal_host_buf(nonces, sizeof nonces);
    io.tag = parseal_host_buf(tags, sizeof tags);
    io.verdict = parseal_host_buf(verdicts, sizeof verdicts);
    io.workspace = parseal_host_buf(work, work_size);
    CALL(parseal_plan_seal(plan, &io, NULL));
    io.in = io.out;
    CALL(parseal_plan_open(plan, &io, NULL));
    free(work);
    parseal_plan_destroy(plan);
    parseal_keys_destroy(b->keys);
}

static void make_seeds(parseal_seeds **set, parseal_ctx *ctx, size_t n)
{
    static parseal_seed list[SECRETS];
    draw_secrets();
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < SECRET; j++)
            ((volatile uint8_t *)list[i].key)[j] = clear[i * SECRET + j];
        list[i].sign = i % 2 == 0 ? 1 : -1;
    }
    const parseal_status status = parseal_seeds_create(set, ctx, list, n);
    store_all_registers();
    clear_bytes(list, sizeof list);
    assert_ok(status);
    nothing_is_left("parseal_seeds_create");
}

static void applies_masks(bench *b)
{
    static const parseal_ring rings[] = {{UINT64_C(1) << 32, 4, 0},
                                         {HALF_REJECTED, 4, 0},
                                         {0, 8, 0},
                                         {(UINT64_C(1) << 62) + 135, 8, 0}};
    make_seeds(&b->seeds, b->ctx, 3);
    for (size_t i = 0; i < COUNT_OF(rings); i++) {
        const parseal_vec v = parseal_host_vec(b->out, ELEMENTS, rings[i].element_size);
        CALL(parseal_mask_apply(b->seeds, &rings[i], &v, 1, NULL));
        CALL(parseal_mask_write(b->seeds, &rings[i], &v, 0, NULL));
    }
    parseal_seeds_destroy(b->seeds);
    nothing_is_left("parseal_seeds_destroy");
}

static void rounds_stochastically(bench *b)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1;
    quant.bits = 16;
    quant.rounding = PARSEAL_ROUND_STOCHASTIC;
    memset(b->in, 0, BYTES);
    const parseal_vec x = parseal_host_vec(b->in, ELEMENTS, 4);
    const parseal_vec q = parseal_host_vec(b->out, ELEMENTS, 4);
    make_seeds(&b->rounding, b->ctx, 1);
    CALL(parseal_quantize(b->ctx, &quant, &x, &q, b->rounding, 0, NULL, NULL));
    parseal_seeds_destroy(b->rounding);
}

static void applies_fcp_masks(bench *b)
{
    static const uint64_t moduli[] = {UINT64_C(1) << 20, PRIME};
    for (size_t i = 0; i < COUNT_OF(moduli); i++)
        for (size_t n = 1; n <= SECRETS; n += SECRETS - 1) {
            parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
            parseal_fcp_key list[SECRETS];
            const parseal_ring ring = {moduli[i], 4, 0};
            const parseal_vec v = parseal_host_vec(b->out, ELEMENTS, 4);
            parseal_seeds *set;
            mask.modulus = moduli[i];
            mask.n = ELEMENTS + 7;
            draw_secrets();
            for (size_t j = 0; j < n; j++)
                list[j] = (parseal_fcp_key){clear + j * SECRET, SECRET, 1};
            CALL(parseal_fcp_seeds_create(&set, b->ctx, &mask, list, n));
            CALL(parseal_mask_write(set, &ring, &v, 7, NULL));
            CALL(parseal_mask_apply(set, &ring, &v, 0, NULL));
            parseal_seeds_destroy(set);
        }
}

static void adds_updates(bench *b)
{
    static const uint32_t bits[] = {32, 20};
    for (size_t i = 0; i < COUNT_OF(bits); i++) {
        parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
        parseal_update updates[3];
        uint64_t size;
        o.ring.modulus = UINT64_C(1) << 32;
        o.ring.element_size = 4;
        o.dim = ELEMENTS;
        o.bits = bits[i];
        assert_ok(parseal_aggregator_create(&b->aggregator, b->ctx, &o));
        assert_ok(parseal_aggregator_update_size(b->aggregator, &size));
        draw_secrets();
        assert_ok(parseal_keys_create(&b->keys, b->ctx, PARSEAL_AES256GCM, clear, 1, NULL));
        memset(b->in, 0, BYTES);
        set_messages(b, 3, (size_t)size);
        CALL(parseal_seal(b->keys, b->msgs, 3));
        memset(updates, 0, sizeof updates);
        for (size_t j = 0; j < 3; j++) {
            updates[j].client = j;
            updates[j].in = b->msgs[j].out;
            updates[j].len = (size_t)size;
            memcpy(updates[j].nonce, b->msgs[j].nonce, sizeof updates[j].nonce);
            memcpy(updates[j].tag, b->msgs[j].tag, sizeof updates[j].tag);
        }
        CALL(parseal_aggregator_add_sealed(b->aggregator, b->keys, updates, 3, NULL));
        make_seeds(&b->seeds, b->ctx, 2);
        CALL(parseal_aggregator_unmask(b->aggregator, b->seeds));
        parseal_seeds_destroy(b->seeds);
        parseal_keys_destroy(b->keys);
        parseal_aggregator_destroy(b->aggregator);
    }
}

static void seals_streams(bench *b)
{
    size_t sealed = 0, opened = 0;
    memset(b->in, 0, BYTES);
    draw_secrets();
    CALL(
        parseal_sealed_seal(b->ctx, NULL, clear, SECRET, b->in, BYTES / 2, b->out, BYTES, &sealed));
    draw_secrets();
    assert_ok(
        parseal_sealed_seal(b->ctx, NULL, clear, SECRET, b->in, BYTES / 2, b->out, BYTES, &sealed));
    CALL(parseal_sealed_open(b->ctx, NULL, clear, SECRET, b->out, sealed, b->in, BYTES, &opened));
}

static void agrees_on_seeds(bench *b)
{
    static parseal_seed seed;
    parseal_party parties[2] = {{.id = 1}, {.id = 2}};
    (void)b;
    draw_secrets();
    const parseal_status made = parseal_x25519_public_key(parties[1].public_key, clear + SECRET);
    store_all_registers();
    assert_ok(made);
    const parseal_status status =
        parseal_pair_seed(&seed, clear, &parties[0], &parties[1], "round", 5);
    store_all_registers();
    scan_remember("a pair's seed", seed.key, sizeof seed.key, 4);
    clear_bytes(&seed, sizeof seed);
    assert_ok(status);
    nothing_is_left("parseal_pair_seed");
}

static void shares_secrets(bench *b)
{
    static uint8_t shares[5 * SECRETS * SECRET];
    static const uint32_t index[] = {1, 2, 3, 5};
    (void)b;
    draw_secrets();
    const parseal_status shared = parseal_shamir_share(clear, SECRETS, 3, 5, shares);
    store_all_registers();
    clear_bytes(clear, sizeof clear);
    assert_ok(shared);
    /* The holders' first four: what is given to combine. */
    memmove(shares + 3 * SECRETS * SECRET, shares + 4 * SECRETS * SECRET, SECRETS * SECRET);
    const parseal_status status = parseal_shamir_combine(index, shares, 4, SECRETS, 3, clear);
    store_all_registers();
    clear_bytes(shares, sizeof shares);
    assert_ok(status);
    nothing_is_left("parseal_shamir_combine");
}

/* -------------------------------------------------------------------------- depth of a call -- */

enum { PAINTED = 8192, PAINT = 0xa5 };

/* Paints the stack below the caller's frame, or returns how many of its bytes are no
 * longer so, down to the last one. What lies there is the point: the compiler must not
 * know that nothing does. */
static __attribute__((noinline)) size_t painted_stack(bool paint)
{
    uint8_t below[PAINTED];
    volatile uint8_t *p = below;
    size_t i = 0;
    __asm__ volatile("" : "+r"(p) : : "memory");
    for (size_t k = 0; paint && k < PAINTED; k++)
        p[k] = PAINT;
    while (i < PAINTED && p[i] == PAINT)
        i++;
    return PAINTED - i;
}

static void measure_one(const gcm_impl *impl, const cpu_item *item, size_t *deepest)
{
    void (*const run[])(const cpu_item *) = {impl->aead.seal_one, impl->aead.open_one};
    for (size_t i = 0; i < COUNT_OF(run); i++) {
        painted_stack(true);
        run[i](item);
        const size_t depth = painted_stack(false);
        *deepest = depth > *deepest ? depth : *deepest;
        assert_int_equal(*item->verdict, PARSEAL_ITEM_OK);
    }
}

/* Functions for one message stay above what is wiped after them. */
static void test_one_message_is_shallow(void **state)
{
    enum { LONGEST = 2100 };
    static _Alignas(64) uint8_t key[8192], text[LONGEST], aad[80], nonce[12], tag[16];
    (void)state;
    for (size_t c = 0; c < gcm_candidate_count; c++) {
        const gcm_impl *impl = gcm_candidates[c].impl;
        size_t deepest = 0;
        int32_t verdict;
        if (!cpu_levels[gcm_candidates[c].level].supported() || impl->aead.seal_one == NULL)
            continue;
        assert_true(impl->aead.key_size <= sizeof key);
        for (size_t key_len = 16; key_len <= 32; key_len += 16) {
            impl->aead.keys_init(key, text, key_len, 1);
            for (size_t len = 0; len <= LONGEST; len += 15) {
                const cpu_item item = {text,  text, len,      aad, len % 3 * 40,
                                       nonce, tag,  &verdict, key, false};
                measure_one(impl, &item, &deepest);
            }
        }
        print_message("%s: one message takes %zu bytes of stack\n", impl->name, deepest);
        assert_in_range(deepest, 1, WIPE_ONE);
    }
}

/* ----------------------------------------------------------------------------------- suite -- */

static void run(void (*calls)(bench *b))
{
    static const uint32_t threads[] = {1, THREADS};
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        bench b = {.ctx = run_ctx(threads[i]), .in = calloc(1, BYTES), .out = calloc(1, BYTES)};
        assert_non_null(b.in);
        assert_non_null(b.out);
        scan_forget();
        calls(&b);
        free(b.in);
        free(b.out);
        parseal_ctx_destroy(b.ctx);
    }
}

#define TEST(calls)                        \
    static void test_##calls(void **state) \
    {                                      \
        (void)state;                       \
        run(calls);                        \
    }

TEST(seals_and_opens)
TEST(runs_plans)
TEST(applies_masks)
TEST(rounds_stochastically)
TEST(applies_fcp_masks)
TEST(adds_updates)
TEST(seals_streams)
TEST(agrees_on_seeds)
TEST(shares_secrets)

/* A secret in memory and one in a register are found, and only then: searching itself leaves copies
 * of what it finds. */
static void test_finds(void **state)
{
    (void)state;
    scan_forget();
    draw_secrets();
    memcpy(others[1].bytes + 64, clear, SECRET);
    clear_bytes(clear, sizeof clear);
    assert_true(scan_stored("expected", &others[1]) > 0);
    assert_int_equal(scan_stored("not expected", &others[1]), 0);
    scan_forget();
    draw_secrets();
    assert_true(scan_memory("expected") > 0);
    clear_bytes(clear, sizeof clear);
    scan_forget();
    assert_int_equal(scan_memory("not expected"), 0);
}

int main(void)
{
    static const struct CMUnitTest finder[] = {cmocka_unit_test(test_finds),
                                               cmocka_unit_test(test_one_message_is_shallow)};
    static const struct CMUnitTest aead[] = {
        cmocka_unit_test(test_seals_and_opens), cmocka_unit_test(test_runs_plans),
        cmocka_unit_test(test_adds_updates), cmocka_unit_test(test_seals_streams)};
    static const struct CMUnitTest masks[] = {cmocka_unit_test(test_applies_masks),
                                              cmocka_unit_test(test_rounds_stochastically)};
    static const struct CMUnitTest fcp[] = {cmocka_unit_test(test_applies_fcp_masks)};
    static const struct CMUnitTest secagg[] = {cmocka_unit_test(test_agrees_on_seeds),
                                               cmocka_unit_test(test_shares_secrets)};
    if (RUN_LARGER_FRAMES)
        return run_skip("sanitizers and unoptimised code keep copies of their own");
    int failed = RUN_SUITE("hygiene.left_behind", finder);
    failed |= RUN_SUITE_PER_IMPL("hygiene.left_behind", OF(PARSEAL_PRIMITIVE_AEAD), aead);
    failed |= RUN_SUITE_PER_IMPL("hygiene.left_behind", OF(PARSEAL_PRIMITIVE_MASK), masks);
    failed |= RUN_SUITE_PER_IMPL("hygiene.left_behind", OF(PARSEAL_PRIMITIVE_FCP), fcp);
    return failed | RUN_SUITE("hygiene.left_behind", secagg);
}
