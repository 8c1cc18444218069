/* Every allocation of every call fails once: the call says PARSEAL_ERR_NO_MEMORY and nothing else,
 * nothing has changed, and the same call afterwards is right. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "all_threads.h"
#include "check.h"
#include "failing.h"
#include "parseal/aggregator.h"
#include "parseal/fcp.h"
#include "parseal/secagg.h"
#include "run.h"

/* ---------------------------------------------------------------------------------- bench -- */

enum {
    THREADS = 3,
    ELEMENTS = 40000,
    BYTES = 4 * ELEMENTS,
    MESSAGES = 3,
    INPUTS = 40,
    PRIME = 1000003
};

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds;
    parseal_aggregator *aggregator, *other;
    parseal_update updates[MESSAGES];
    parseal_msg msgs[MESSAGES];
    parseal_plan *plan;
    parseal_graph *graph;
    uint8_t in[BYTES], out[2 * BYTES], want[2 * BYTES], before[2 * BYTES];
    size_t len, n;
    uint64_t modulus;
} bench;

static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
static const parseal_ring whole = {UINT64_C(1) << 32, 4, 0};
static bench b;

static void output_is_unchanged(void)
{
    assert_bytes(b.out, b.before, sizeof b.out);
}

static void set_output(void)
{
    memset(b.out, UNTOUCHED, sizeof b.out);
    memcpy(b.before, b.out, sizeof b.out);
}

static void do_nothing(void *unused, uint32_t thread)
{
    (void)unused;
    (void)thread;
}

/* Helpers are there before anything fails: one that cannot be started is no failure. */
static int set_up(void **state)
{
    (void)state;
    memset(&b, 0, sizeof b);
    for (size_t i = 0; i < BYTES; i++)
        b.in[i] = i % 4 < 2 ? (uint8_t)(i * 7 + i / 251) : 0; /* elements below 2^16 */
    set_output();
    b.ctx = run_ctx(THREADS);
    on_all_threads(THREADS, do_nothing, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    parseal_plan_destroy(b.plan);
    parseal_keys_destroy(b.keys);
    parseal_seeds_destroy(b.seeds);
    parseal_aggregator_destroy(b.aggregator);
    parseal_aggregator_destroy(b.other);
    parseal_graph_destroy(b.graph);
    parseal_ctx_destroy(b.ctx);
    return 0;
}

/* ------------------------------------------------------------------------------- contexts -- */

/* On one thread: a helper that cannot be started is no failure. */
static parseal_status create_ctx(parseal_ctx **ctx)
{
    parseal_options o = PARSEAL_OPTIONS_INIT;
    o.backend = PARSEAL_BACKEND_CPU;
    o.cpu_threads = 1;
    return parseal_ctx_create(ctx, &o);
}

static bool picked_alike(const parseal_ctx *a, const parseal_ctx *other)
{
    parseal_info one = PARSEAL_INFO_INIT, two = PARSEAL_INFO_INIT;
    bool alike = parseal_ctx_info(a, &one) == PARSEAL_OK &&
                 parseal_ctx_info(other, &two) == PARSEAL_OK && strcmp(one.reason, two.reason) == 0;
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        parseal_primitive_info picked = PARSEAL_PRIMITIVE_INFO_INIT, usual = picked;
        alike = alike && parseal_ctx_primitive(a, p, &picked) == PARSEAL_OK &&
                parseal_ctx_primitive(other, p, &usual) == PARSEAL_OK &&
                strcmp(picked.impl, usual.impl) == 0;
    }
    return alike;
}

enum { ALL_DONE = 0, ONE_FAILED = 1, WRONG = 2 };

/* A process's first context without the n-th allocation. The implementations are those that a
 * machine with memory takes, whether then or in the same call once more. */
static int first_context(size_t n)
{
    parseal_ctx *made = NULL, *again = NULL;
    fail_nth(n);
    const parseal_status status = create_ctx(&made);
    const bool failed = stop_failing();
    if (status != (failed ? PARSEAL_ERR_NO_MEMORY : PARSEAL_OK) || failed != (made == NULL)) {
        print_error("allocation %zu: %s\n", n, parseal_last_error_text());
        return WRONG;
    }
    if (create_ctx(&again) != PARSEAL_OK || (failed && create_ctx(&made) != PARSEAL_OK))
        return WRONG;
    const bool alike = picked_alike(made, again);
    parseal_ctx_destroy(made);
    parseal_ctx_destroy(again);
    return !alike ? WRONG : failed ? ONE_FAILED : ALL_DONE;
}

/* Each in a child, as a process remembers what has computed its known answers. */
static void test_first_contexts(void **state)
{
    size_t n = 0;
    int status = 0;
    (void)state;
    do {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(first_context(n));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), ALL_DONE, ONE_FAILED);
        n++;
    } while (WEXITSTATUS(status) == ONE_FAILED);
    assert_true(n > 20);
}

static parseal_ctx *later;

static parseal_status create_later(void)
{
    return create_ctx(&later);
}

static void no_later_ctx(void)
{
    assert_null(later);
}

static void test_later_contexts(void **state)
{
    (void)state;
    each_allocation(create_later, no_later_ctx, 3);
    assert_true(picked_alike(later, b.ctx));
    parseal_ctx_destroy(later);
    later = NULL;
}

static size_t tested;
static parseal_impl result;

static parseal_status test_impl(void)
{
    result = (parseal_impl)PARSEAL_IMPL_INIT;
    return parseal_impl_test(tested, &result);
}

static void test_implementations(void **state)
{
    (void)state;
    const size_t n = parseal_impl_count();
    for (tested = 0; tested < n; tested++) {
        assert_ok(test_impl());
        if (result.backend == PARSEAL_BACKEND_CPU)
            each_allocation(test_impl, NULL, 0);
        assert_int_not_equal(result.state, PARSEAL_IMPL_FAILED);
    }
}

/* ----------------------------------------------------------------------- keys and batches -- */

static parseal_status create_keys(void)
{
    return parseal_keys_create(&b.keys, b.ctx, PARSEAL_AES256GCM, key, 1, NULL);
}

enum { MANY_KEYS = 1000 };

/* More than fit beside others. */
static parseal_status create_many_keys(void)
{
    return parseal_keys_create(&b.keys, b.ctx, PARSEAL_AES256GCM, b.in, MANY_KEYS, NULL);
}

static void no_keys(void)
{
    assert_null(b.keys);
}

static void set_messages(size_t len)
{
    memset(b.msgs, 0, sizeof b.msgs);
    for (size_t i = 0; i < MESSAGES; i++) {
        /* Outputs that do not rise: whether they overlap must be looked into. */
        const size_t at = (MESSAGES - 1 - i) * len;
        b.msgs[i].in = b.in;
        b.msgs[i].out = b.out + at;
        b.msgs[i].len = len;
        b.msgs[i].nonce[0] = (uint8_t)i;
    }
}

static parseal_status seal_messages(void)
{
    return parseal_seal(b.keys, b.msgs, MESSAGES);
}

static parseal_status open_messages(void)
{
    return parseal_open(b.keys, b.msgs, MESSAGES, NULL);
}

static void messages_are_unchanged(void)
{
    for (size_t i = 0; i < MESSAGES; i++)
        assert_int_equal(b.msgs[i].status, PARSEAL_ITEM_UNSET);
    output_is_unchanged();
}

static void test_batches(void **state)
{
    static const size_t lens[] = {100, 2 * BYTES / MESSAGES};
    (void)state;
    each_allocation(create_many_keys, no_keys, 4);
    parseal_keys_destroy(b.keys);
    b.keys = NULL;
    each_allocation(create_keys, no_keys, 4);
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        set_output();
        set_messages(lens[i]);
        each_allocation(seal_messages, messages_are_unchanged, 1);
        for (size_t j = 0; j < MESSAGES; j++) {
            b.msgs[j].in = b.msgs[j].out; /* in place: what is lost would be lost for good */
            b.msgs[j].status = PARSEAL_ITEM_UNSET;
        }
        memcpy(b.before, b.out, sizeof b.out);
        each_allocation(open_messages, messages_are_unchanged, 1);
        for (size_t j = 0; j < MESSAGES; j++)
            assert_bytes(b.msgs[j].out, b.in, b.msgs[j].len);
    }
}

static uint64_t plan_len[2] = {BYTES - 100, 100}, plan_offset[2] = {0, BYTES - 100};

static parseal_status create_plan(void)
{
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = 2;
    shape.len = plan_len;
    shape.in_offset = plan_offset;
    return parseal_plan_create(&b.plan, b.keys, &shape);
}

static void no_plan(void)
{
    assert_null(b.plan);
}

static void test_plans(void **state)
{
    (void)state;
    assert_ok(create_keys());
    each_allocation(create_plan, no_plan, 5);
}

/* -------------------------------------------------------------------------- masks and sums -- */

static parseal_status create_seeds(void)
{
    static const parseal_seed list[2] = {{.key = {1}, .sign = 1}, {.key = {2}, .sign = -1}};
    return parseal_seeds_create(&b.seeds, b.ctx, list, 2);
}

static parseal_status create_fcp_seeds(void)
{
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_fcp_key list[4];
    mask.modulus = b.modulus;
    mask.n = ELEMENTS;
    for (size_t i = 0; i < COUNT_OF(list); i++)
        list[i] = (parseal_fcp_key){key, sizeof key, i % 2 == 0 ? 1 : -1};
    return parseal_fcp_seeds_create(&b.seeds, b.ctx, &mask, list, b.n);
}

static void no_seeds(void)
{
    assert_null(b.seeds);
}

static parseal_status apply_mask(void)
{
    const parseal_ring ring = {b.modulus, 4, 0};
    const parseal_vec v = parseal_host_vec(b.out, ELEMENTS, 4);
    return parseal_mask_apply(b.seeds, &ring, &v, 0, NULL);
}

/* Fewer keys than threads, and more; what comes out does not depend on what failed before. */
static void test_masks(void **state)
{
    (void)state;
    each_allocation(create_seeds, no_seeds, 2);
    b.modulus = whole.modulus;
    each_allocation(apply_mask, output_is_unchanged, 0);
    parseal_seeds_destroy(b.seeds);
    b.seeds = NULL;
    b.modulus = PRIME;
    for (b.n = 1; b.n <= 4; b.n += 3) {
        each_allocation(create_fcp_seeds, no_seeds, 4);
        memset(b.out, 0, sizeof b.out);
        assert_ok(apply_mask());
        memcpy(b.want, b.out, sizeof b.out);
        memset(b.out, 0, sizeof b.out);
        memcpy(b.before, b.out, sizeof b.out);
        each_allocation(apply_mask, output_is_unchanged, 1);
        assert_bytes(b.out, b.want, sizeof b.out);
        parseal_seeds_destroy(b.seeds);
        b.seeds = NULL;
    }
}

static parseal_status sum_vectors(void)
{
    const parseal_vec acc = parseal_host_vec(b.out, ELEMENTS, 4);
    parseal_vec v[INPUTS];
    for (size_t i = 0; i < INPUTS; i++)
        v[i] = parseal_host_vec(b.in, ELEMENTS, 4);
    return parseal_vec_sum(b.ctx, &whole, &acc, v, INPUTS, NULL);
}

static parseal_status sum_packed(void)
{
    const parseal_vec acc = parseal_host_vec(b.out, ELEMENTS, 4);
    const parseal_buf v = parseal_host_buf(b.in, BYTES / 2);
    return parseal_packed_sum(b.ctx, 16, &whole, &acc, &v, 1, NULL);
}

static void test_sums(void **state)
{
    (void)state;
    each_allocation(sum_vectors, output_is_unchanged, 1);
    set_output();
    each_allocation(sum_packed, output_is_unchanged, 1);
}

/* ------------------------------------------------------------------------------ aggregator -- */

static parseal_status create_aggregator(void)
{
    parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    o.ring = (parseal_ring){PRIME, 4, 0};
    o.dim = ELEMENTS;
    o.quant_bits = 16;
    o.quant_clip = 1;
    return parseal_aggregator_create(&b.aggregator, b.ctx, &o);
}

static void no_aggregator(void)
{
    assert_null(b.aggregator);
}

static size_t export_to(const parseal_aggregator *a, uint8_t *to)
{
    uint64_t size;
    assert_ok(parseal_aggregator_export_size(a, &size));
    assert_true(size <= sizeof b.before);
    assert_ok(parseal_aggregator_export(a, to, (size_t)size));
    return (size_t)size;
}

/* The second update is client 1's too, and the first of the two is not authentic: it is looked at
 * when the others have been added. */
static void set_updates(bool sealed)
{
    static uint8_t texts[MESSAGES][BYTES];
    memset(b.updates, 0, sizeof b.updates);
    for (size_t i = 0; i < MESSAGES; i++) {
        parseal_msg m;
        memset(&m, 0, sizeof m);
        m.in = b.in;
        m.out = texts[i];
        m.len = BYTES;
        m.nonce[0] = (uint8_t)i;
        if (sealed)
            assert_ok(parseal_seal(b.keys, &m, 1));
        b.updates[i].client = i == 0 || !sealed ? i + 1 : i;
        b.updates[i].in = sealed ? texts[i] : b.in;
        b.updates[i].len = BYTES;
        memcpy(b.updates[i].nonce, m.nonce, sizeof b.updates[i].nonce);
        memcpy(b.updates[i].tag, m.tag, sizeof b.updates[i].tag);
    }
    b.updates[0].tag[0] ^= 1;
}

static parseal_status add_sealed(void)
{
    const parseal_status status =
        parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates, MESSAGES, NULL);
    return status == PARSEAL_ERR_AUTH ? PARSEAL_OK : status; /* one is not authentic */
}

static parseal_status add_plain(void)
{
    return parseal_aggregator_add_plain(b.aggregator, b.updates, MESSAGES, NULL);
}

/* A fresh aggregator each time. Where some waves were added before memory ran out, the statuses say
 * which updates those are; the same call once more adds the rest and nothing twice. */
static void each_allocation_of_adding(a_call add)
{
    size_t n = 0, want_size = 0;
    for (bool more = true; more; n++) {
        uint64_t count, ok = 0;
        assert_ok(create_aggregator());
        if (n == 0) {
            assert_ok(add());
            want_size = export_to(b.aggregator, b.want);
            parseal_aggregator_destroy(b.aggregator);
            assert_ok(create_aggregator());
        }
        fail_nth(n);
        const parseal_status status = add();
        more = stop_failing();
        assert_int_equal(status, more ? PARSEAL_ERR_NO_MEMORY : PARSEAL_OK);
        for (size_t i = 0; i < MESSAGES; i++)
            ok += b.updates[i].status == PARSEAL_ITEM_OK;
        assert_ok(parseal_aggregator_count(b.aggregator, &count));
        assert_int_equal(count, ok);
        if (more) {
            const parseal_status again = add();
            assert_true(again == PARSEAL_OK || (again == PARSEAL_ERR_AUTH && ok > 0));
        }
        assert_int_equal(export_to(b.aggregator, b.out), want_size);
        assert_bytes(b.out, b.want, want_size);
        parseal_aggregator_destroy(b.aggregator);
        b.aggregator = NULL;
    }
    assert_true(n > 4);
}

static parseal_status unmask(void)
{
    return parseal_aggregator_unmask(b.aggregator, b.seeds);
}

static void sum_is_unchanged(void)
{
    const size_t size = export_to(b.aggregator, b.out);
    assert_bytes(b.out, b.before, size);
}

static parseal_status export_sum(void)
{
    uint64_t size;
    assert_ok(parseal_aggregator_export_size(b.aggregator, &size));
    return parseal_aggregator_export(b.aggregator, b.out, (size_t)size);
}

static parseal_status import_sum(void)
{
    return parseal_aggregator_import(&b.other, b.ctx, b.want, b.len);
}

static void no_other(void)
{
    assert_null(b.other);
}

static parseal_status merge_sum(void)
{
    return parseal_aggregator_merge(b.aggregator, b.want, b.len);
}

static parseal_status find_mean(void)
{
    const parseal_vec mean = parseal_host_vec(b.out, ELEMENTS, 4);
    return parseal_aggregator_mean(b.aggregator, &mean, NULL);
}

static void test_aggregator(void **state)
{
    (void)state;
    each_allocation(create_aggregator, no_aggregator, 2);
    parseal_aggregator_destroy(b.aggregator);
    b.aggregator = NULL;
    assert_ok(create_keys());
    set_updates(true);
    each_allocation_of_adding(add_sealed);
    set_updates(false);
    each_allocation_of_adding(add_plain);
}

static void test_results(void **state)
{
    (void)state;
    b.modulus = PRIME;
    b.n = 1;
    assert_ok(create_fcp_seeds());
    assert_ok(create_aggregator());
    set_updates(false);
    assert_ok(add_plain());
    b.len = export_to(b.aggregator, b.want);
    memcpy(b.before, b.want, b.len);
    each_allocation(unmask, sum_is_unchanged, 1);
    set_output();
    each_allocation(export_sum, output_is_unchanged, 1);
    each_allocation(find_mean, NULL, 0);
    each_allocation(import_sum, no_other, 4);
    assert_int_equal(export_to(b.other, b.out), b.len);
    assert_bytes(b.out, b.want, b.len);

    /* Into an empty one, and then it is the same as what was merged. */
    parseal_aggregator_destroy(b.aggregator);
    assert_ok(create_aggregator());
    memset(b.before, 0, sizeof b.before);
    (void)export_to(b.aggregator, b.before);
    each_allocation(merge_sum, sum_is_unchanged, 3);
    assert_int_equal(export_to(b.aggregator, b.out), b.len);
    assert_bytes(b.out, b.want, b.len);
}

/* ---------------------------------------------------------------------------------- secagg -- */

static parseal_status create_graph(void)
{
    return parseal_graph_create(&b.graph, PARSEAL_GRAPH_HARARY, 10, 4, key);
}

static void no_graph(void)
{
    assert_null(b.graph);
}

static parseal_status list_needs(void)
{
    static const uint32_t survivors[] = {0, 1, 2, 3, 4, 5, 6, 7, 8}, dropped[] = {9};
    static parseal_need needs[32];
    return parseal_graph_needs(b.graph, survivors, 9, dropped, 1, needs, COUNT_OF(needs), &b.n);
}

static parseal_status share(void)
{
    return parseal_shamir_share(b.in, 2, 3, 5, b.out);
}

static parseal_status combine(void)
{
    static const uint32_t index[] = {1, 2, 3, 4, 5};
    return parseal_shamir_combine(index, b.want, 5, 2, 3, b.out);
}

static void test_secagg(void **state)
{
    (void)state;
    each_allocation(create_graph, no_graph, 3);
    each_allocation(list_needs, NULL, 2);
    each_allocation(share, output_is_unchanged, 1);
    memcpy(b.want, b.out, sizeof b.out);
    set_output();
    each_allocation(combine, output_is_unchanged, 4);
    assert_bytes(b.out, b.in, 2 * PARSEAL_SECRETBYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_first_contexts),
                                              TEST(later_contexts),
                                              TEST(implementations),
                                              TEST(batches),
                                              TEST(plans),
                                              TEST(masks),
                                              TEST(sums),
                                              TEST(aggregator),
                                              TEST(results),
                                              TEST(secagg)};
    return RUN_SUITE("hygiene.no_memory", tests);
}
