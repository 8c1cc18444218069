/* Sets of seeds that count: masks, masks of fcp and stochastic quantisation that a graph replays,
 * each time under the next stream number, against the same calls on the CPU; what is refused; and
 * what happens when no number is left. */
#include <string.h>

#include "counting_sides.h"
#include "parseal/aggregator.h"
#include "parseal/fcp.h"
#include "run.h"

enum { COUNT = 1201, SEEDS = 300, FCP_KEYS = 3, REPLAYS = 3, SESSION = 13, FIRST = 7, BIG = 2000 };
static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
static const parseal_ring fcp_ring = {UINT64_C(1) << 40, 8, 0};

/* A number whose first growth carries into its upper half. */
static const uint64_t begin = 0xfffffffe;
enum { STEP = 5 };

/* Everything that calls on the device use. */
typedef struct {
    uint32_t acc[COUNT], q[COUNT];
    uint64_t fcp[COUNT], number, other_number, third_number;
    float x[COUNT];
} data;

typedef struct {
    parseal_seeds *set, *fcp, *draws; /* on the device */
    data host, back;
} bench;

static bench b;
static parseal_seed seeds[SEEDS];

/* ------------------------------------------------------------------------------------- bench -- */

static void set_streams(uint64_t number)
{
    for (size_t j = 0; j < SEEDS; j++)
        for (int i = 0; i < 8; i++)
            seeds[j].stream_id[i] = (uint8_t)(number >> 8 * i);
}

static int bench_open(void **state)
{
    (void)state;
    sides_open(&b.host, &b.back, sizeof b.host, "numbers");
    b.set = b.fcp = b.draws = NULL;
    for (size_t j = 0; j < SEEDS; j++) {
        rng_fill(&sides.r, seeds[j].key, sizeof seeds[j].key);
        seeds[j].sign = j % 3 == 0 ? -1 : 1;
    }
    set_streams(begin);
    return 0;
}

static int bench_close(void **state)
{
    (void)state;
    parseal_seeds_destroy(b.set);
    parseal_seeds_destroy(b.fcp);
    parseal_seeds_destroy(b.draws);
    return 0;
}

#define PART(field)                                                     \
    ((parseal_buf){on.buf_kind, 0, sides.memory, offsetof(data, field), \
                   sizeof(((data *)NULL)->field)})

static parseal_counting counting_in(uint64_t step, parseal_buf number)
{
    parseal_counting counting = PARSEAL_COUNTING_INIT;
    counting.step = step;
    counting.graph_writes = step == 0;
    counting.number = number;
    return counting;
}

/* -------------------------------------------------------------------------------------- sets -- */

/* A client's keys: one of today's and two that old clients have. */
static const uint8_t fcp_bytes[FCP_KEYS][PARSEAL_FCP_KEYBYTES] = {{1, 2, 3}, {4, 5}, {6}};
static const parseal_fcp_key fcp_keys[FCP_KEYS] = {
    {fcp_bytes[0], PARSEAL_FCP_KEYBYTES, 1}, {fcp_bytes[1], 17, -1}, {fcp_bytes[2], 1, 1}};

static uint8_t session[SESSION];

static parseal_fcp_mask fcp_mask(uint64_t number)
{
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    memcpy(session, "round", SESSION - 8);
    for (int i = 0; i < 8; i++)
        session[SESSION - 8 + i] = (uint8_t)(number >> (56 - 8 * i));
    mask.modulus = fcp_ring.modulus;
    mask.n = BIG;
    mask.session_id = session;
    mask.session_id_len = SESSION;
    mask.name = "weights";
    mask.name_len = 7;
    return mask;
}

/* The three sets on the device, each with a number of its own. */
static void make_sets(uint64_t step, uint64_t first)
{
    const parseal_counting of_set = counting_in(step, PART(number)),
                           of_fcp = counting_in(step, PART(other_number)),
                           of_draws = counting_in(step, PART(third_number));
    const parseal_fcp_mask mask = fcp_mask(first);
    set_streams(first);
    assert_ok(parseal_seeds_create_counting(&b.set, sides.ctx, seeds, SEEDS, &of_set));
    assert_ok(
        parseal_fcp_seeds_create_counting(&b.fcp, sides.ctx, &mask, fcp_keys, FCP_KEYS, &of_fcp));
    assert_ok(parseal_seeds_create_counting(&b.draws, sides.ctx, seeds, 1, &of_draws));
}

/* Sets that do not count. */
static void make_plain_sets(parseal_ctx *ctx, uint64_t number, uint64_t fcp_number,
                            parseal_seeds *made[3])
{
    const parseal_fcp_mask mask = fcp_mask(fcp_number);
    set_streams(number);
    assert_ok(parseal_seeds_create(&made[0], ctx, seeds, SEEDS));
    assert_ok(parseal_fcp_seeds_create(&made[1], ctx, &mask, fcp_keys, FCP_KEYS));
    assert_ok(parseal_seeds_create(&made[2], ctx, seeds, 1));
}

static parseal_quant stochastic(void)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1.0f;
    return quant;
}

static parseal_status mask_of(const parseal_seeds *set, bool write)
{
    const parseal_vec acc = {PART(acc), COUNT};
    return write ? parseal_mask_write(set, &ring, &acc, FIRST, sides.stream)
                 : parseal_mask_apply(set, &ring, &acc, FIRST, sides.stream);
}

static parseal_status fcp_of(const parseal_seeds *set, bool write)
{
    const parseal_vec acc = {PART(fcp), COUNT};
    return write ? parseal_mask_write(set, &fcp_ring, &acc, FIRST, sides.stream)
                 : parseal_mask_apply(set, &fcp_ring, &acc, FIRST, sides.stream);
}

static parseal_status round_by(const parseal_seeds *set)
{
    const parseal_quant quant = stochastic();
    const parseal_vec x = {PART(x), COUNT}, q = {PART(q), COUNT};
    return parseal_quantize(sides.ctx, &quant, &x, &q, set, FIRST, NULL, sides.stream);
}

/* ------------------------------------------------------------------------------------ checks -- */

/* What a call of each kind with these numbers makes of b.host is what is in b.back. */
static void check_results(uint64_t number, uint64_t fcp_number)
{
    static data want;
    parseal_seeds *on_cpu[3];
    const parseal_quant quant = stochastic();
    const parseal_vec acc = parseal_host_vec(want.acc, COUNT, 4),
                      fcp = parseal_host_vec(want.fcp, COUNT, 8),
                      x = parseal_host_vec(want.x, COUNT, 4),
                      q = parseal_host_vec(want.q, COUNT, 4);
    make_plain_sets(sides.cpu, number, fcp_number, on_cpu);
    memcpy(&want, &b.host, sizeof want);
    assert_ok(parseal_mask_apply(on_cpu[0], &ring, &acc, FIRST, NULL));
    assert_ok(parseal_mask_apply(on_cpu[1], &fcp_ring, &fcp, FIRST, NULL));
    assert_ok(parseal_quantize(sides.cpu, &quant, &x, &q, on_cpu[2], FIRST, NULL, NULL));
    assert_bytes(b.back.acc, want.acc, sizeof want.acc);
    assert_bytes(b.back.fcp, want.fcp, sizeof want.fcp);
    assert_bytes(b.back.q, want.q, sizeof want.q);
    for (size_t i = 0; i < COUNT_OF(on_cpu); i++)
        parseal_seeds_destroy(on_cpu[i]);
}

static void check_told(uint64_t number)
{
    assert_int_equal(b.back.number, number);
    assert_int_equal(b.back.other_number, number);
    assert_int_equal(b.back.third_number, number);
}

static graph_exec capture_all(void)
{
    assert_int_equal(cu.begin(sides.stream, CAPTURE_GLOBAL), OK);
    assert_ok(mask_of(b.set, false));
    assert_ok(fcp_of(b.fcp, false));
    assert_ok(round_by(b.draws));
    return graph_captured(sides.stream);
}

/* -------------------------------------------------------------------------------------- runs -- */

/* Each replay takes the next number, and so no (seed, stream) pair comes twice. */
static void replays(void **state)
{
    (void)state;
    make_sets(STEP, begin);
    const graph_exec exec = capture_all();
    for (uint64_t run = 0; run < REPLAYS; run++) {
        sides_renew();
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        check_told(begin + run * STEP);
        check_results(begin + run * STEP, begin + run * STEP);
    }
    /* So do calls that nobody has captured. */
    sides_renew();
    assert_ok(mask_of(b.set, false));
    assert_ok(fcp_of(b.fcp, false));
    assert_ok(round_by(b.draws));
    sides_fetch();
    check_told(begin + REPLAYS * STEP);
    check_results(begin + REPLAYS * STEP, begin + REPLAYS * STEP);
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* Several calls with one set in a graph have a number each. Nobody has to be told. */
static void many_calls_of_a_graph(void **state)
{
    enum { CALLS = 3, PART_OF = 400 };
    uint64_t numbers[CALLS * REPLAYS];
    const parseal_counting counting = counting_in(1, PART(number));
    const parseal_counting untold = counting_in(1, (parseal_buf){0});
    (void)state;
    assert_ok(parseal_seeds_create_counting(&b.set, sides.ctx, seeds, 1, &counting));
    assert_ok(parseal_seeds_create_counting(&b.draws, sides.ctx, seeds, 1, &untold));
    assert_int_equal(cu.begin(sides.stream, CAPTURE_GLOBAL), OK);
    const parseal_vec one = {PART(number), 1};
    for (size_t i = 0; i < CALLS; i++) {
        const parseal_buf buf = {on.buf_kind, 0, sides.memory,
                                 offsetof(data, acc) + 4 * PART_OF * i, 4 * PART_OF};
        const parseal_vec part = {buf, PART_OF};
        const parseal_vec kept = {{on.buf_kind, 0, sides.memory, offsetof(data, fcp) + 8 * i, 8},
                                  1};
        const parseal_ring words = {0, 8, 0};
        assert_ok(parseal_mask_apply(b.set, &ring, &part, PART_OF * i, sides.stream));
        assert_ok(parseal_vec_sum(sides.ctx, &words, &kept, &one, 1, sides.stream));
        assert_ok(parseal_mask_write(b.draws, &ring, &part, 0, sides.stream));
    }
    const graph_exec exec = graph_captured(sides.stream);
    for (size_t run = 0; run < REPLAYS; run++) {
        sides_renew();
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        for (size_t i = 0; i < CALLS; i++)
            numbers[CALLS * run + i] = b.back.fcp[i] - b.host.fcp[i];
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_int_equal(numbers[i], begin + i);
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* The numbers are those that lie in the device's memory when the graph runs. */
static void numbers_that_the_graph_writes(void **state)
{
    (void)state;
    make_sets(0, begin);
    const graph_exec exec = capture_all();
    for (int run = 0; run < REPLAYS; run++) {
        sides_renew();
        b.host.third_number = b.host.number;
        on.write(sides.memory, 0, &b.host, sizeof b.host);
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        check_results(b.host.number, b.host.other_number);
    }
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* A call that begins while another is under way leaves zeros; no two leave masks of one number. */
static void calls_that_overlap(void **state)
{
    enum { CALLS = 6, FEW = 300 };
    static uint32_t masks[CALLS + 1][FEW], got[FEW];
    static const uint32_t zeros[FEW];
    const parseal_vec far = {{on.buf_kind, 0, sides.memory, offsetof(data, q), 4 * FEW}, FEW};
    const parseal_counting counting = counting_in(STEP, PART(number));
    bool used[CALLS + 1] = {false};
    uint64_t memory[CALLS];
    (void)state;
    assert_ok(parseal_seeds_create_counting(&b.set, sides.ctx, seeds, 1, &counting));
    for (size_t i = 0; i < CALLS; i++) {
        const parseal_buf buf = {on.buf_kind, 0, memory[i] = on.alloc(sizeof got), 0, sizeof got};
        const parseal_vec out = {buf, FEW};
        assert_ok(
            parseal_mask_write(b.set, &ring, &out, 0, i % 2 == 0 ? sides.stream : PER_THREAD));
    }
    /* Without a stream a call waits for the default stream's earlier work, and for the thread's. */
    on.finish();
    assert_ok(parseal_vec_sum(sides.ctx, &ring, &far, NULL, 0, NULL));
    for (size_t k = 0; k <= CALLS; k++) {
        parseal_seeds *on_cpu;
        const parseal_vec mask = parseal_host_vec(masks[k], FEW, 4);
        set_streams(begin + k * STEP);
        assert_ok(parseal_seeds_create(&on_cpu, sides.cpu, seeds, 1));
        assert_ok(parseal_mask_write(on_cpu, &ring, &mask, 0, NULL));
        parseal_seeds_destroy(on_cpu);
    }
    for (size_t i = 0; i < CALLS; i++) {
        size_t k = 0;
        on.read(memory[i], 0, got, sizeof got);
        on.free(memory[i]);
        while (k < CALLS && memcmp(got, masks[k], sizeof got) != 0)
            k++;
        if (memcmp(got, zeros, sizeof got) == 0)
            continue;
        assert_true(k < CALLS && !used[k]);
        used[k] = true;
    }
    /* The next call, which is alone, has the next number. */
    assert_ok(parseal_mask_write(b.set, &ring, &far, 0, sides.stream));
    sides_fetch();
    const uint64_t k = (b.back.number - begin) / STEP;
    assert_true(k <= CALLS && !used[k]);
    assert_bytes(b.back.q, masks[k], sizeof masks[k]);
}

/* What is hashed to a key of fcp ends at every place in SHA-256's blocks. */
static void fcp_names_of_any_length(void **state)
{
    enum { LENGTHS = 70, FEW = 17 };
    static const char name[LENGTHS] = "a name";
    const parseal_counting counting = counting_in(STEP, (parseal_buf){0});
    const parseal_buf buf = {on.buf_kind, 0, sides.memory, offsetof(data, fcp), 8 * FEW};
    const parseal_vec out = {buf, FEW}, on_host = parseal_host_vec(b.host.fcp, FEW, 8);
    (void)state;
    for (size_t length = 0; length < LENGTHS; length++) {
        parseal_seeds *set, *on_cpu;
        parseal_fcp_mask mask = fcp_mask(begin);
        mask.name = name;
        mask.name_len = length;
        assert_ok(parseal_fcp_seeds_create_counting(&set, sides.ctx, &mask, fcp_keys, FCP_KEYS,
                                                    &counting));
        assert_ok(parseal_mask_write(set, &fcp_ring, &out, 0, sides.stream));
        assert_ok(parseal_mask_write(set, &fcp_ring, &out, 0, sides.stream));
        sides_fetch();
        (void)fcp_mask(begin + STEP); /* the session's id, in place */
        assert_ok(parseal_fcp_seeds_create(&on_cpu, sides.cpu, &mask, fcp_keys, FCP_KEYS));
        assert_ok(parseal_mask_write(on_cpu, &fcp_ring, &on_host, 0, NULL));
        assert_bytes(b.back.fcp, b.host.fcp, 8 * FEW);
        parseal_seeds_destroy(on_cpu);
        parseal_seeds_destroy(set);
    }
}

/* ----------------------------------------------------------------------------------- the end -- */

/* In steps of 2^63 there are two numbers. Without one a vector is neither masked by a mask that was
 * used, nor left as it was. */
static void no_number_is_left(void **state)
{
    enum { RUNS = 2, MORE = 3 };
    const uint64_t step = UINT64_C(1) << 63, first = step - 2;
    static const data zeros;
    (void)state;
    make_sets(step, first);
    const graph_exec exec = capture_all();
    for (uint64_t run = 0; run < RUNS + MORE; run++) {
        sides_renew();
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        if (run < RUNS) {
            check_told(first + run * step);
            check_results(first + run * step, first + run * step);
            continue;
        }
        check_told(PARSEAL_STREAM_NONE);
        assert_bytes(b.back.acc, zeros.acc, sizeof zeros.acc);
        assert_bytes(b.back.fcp, zeros.fcp, sizeof zeros.fcp);
        assert_bytes(b.back.q, zeros.q, sizeof zeros.q);
    }
    sides_renew();
    assert_ok(mask_of(b.set, true));
    assert_ok(fcp_of(b.fcp, true));
    sides_fetch();
    assert_bytes(b.back.acc, zeros.acc, sizeof zeros.acc);
    assert_bytes(b.back.fcp, zeros.fcp, sizeof zeros.fcp);
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* ---------------------------------------------------------------------------------- refusals -- */

/* What may be captured beside them, and a set of no seeds, which has no mask to use twice. */
static void capture_harmless(const parseal_seeds *none)
{
    parseal_quant nearest = stochastic();
    const parseal_vec x = {PART(x), COUNT}, q = {PART(q), COUNT};
    nearest.rounding = PARSEAL_ROUND_NEAREST;
    assert_ok(parseal_quantize(sides.ctx, &nearest, &x, &q, NULL, 0, NULL, sides.stream));
    assert_ok(mask_of(none, true));
}

/* Each is refused by name, and the capture goes on. */
static void captures_without_counting(void **state)
{
    parseal_seeds *plain[3], *none;
    static const data zeros;
    (void)state;
    make_plain_sets(sides.ctx, begin, begin, plain);
    assert_ok(parseal_seeds_create(&none, sides.ctx, NULL, 0));
    sides_renew();
    assert_int_equal(cu.begin(sides.stream, CAPTURE_GLOBAL), OK);
    assert_error(mask_of(plain[0], false), PARSEAL_ERR_ARG, "stream");
    assert_non_null(strstr(parseal_last_error_text(), "parseal_seeds_create_counting"));
    assert_error(mask_of(plain[0], true), PARSEAL_ERR_ARG, "stream");
    assert_error(fcp_of(plain[1], false), PARSEAL_ERR_ARG, "stream");
    assert_non_null(strstr(parseal_last_error_text(), "parseal_fcp_seeds_create_counting"));
    assert_error(fcp_of(plain[1], true), PARSEAL_ERR_ARG, "stream");
    assert_error(round_by(plain[2]), PARSEAL_ERR_ARG, "stream");
    assert_non_null(strstr(parseal_last_error_text(), "parseal_seeds_create_counting"));
    capture_harmless(none);
    assert_error(round_by(plain[2]), PARSEAL_ERR_ARG, "stream");
    const graph_exec exec = graph_captured(sides.stream);
    assert_int_equal(cu.launch(exec, sides.stream), OK);
    sides_fetch();
    assert_bytes(b.back.acc, zeros.acc, sizeof zeros.acc);
    assert_bytes(b.back.fcp, b.host.fcp, sizeof b.host.fcp);
    assert_ok(mask_of(plain[0], false)); /* after the capture, as before */
    on.finish();
    assert_int_equal(cu.exec_destroy(exec), OK);
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        parseal_seeds_destroy(plain[i]);
    parseal_seeds_destroy(none);
}

static void refuse_set(const parseal_counting *counting, parseal_status want, const char *name)
{
    parseal_seeds *set = NULL;
    assert_error(parseal_seeds_create_counting(&set, sides.ctx, seeds, SEEDS, counting), want,
                 name);
    assert_null(set);
}

static void sets_that_would_repeat(void **state)
{
    parseal_counting counting = counting_in(STEP, PART(number));
    parseal_seeds *set = NULL;
    (void)state;
    seeds[SEEDS - 1].stream_id[7] ^= 1;
    refuse_set(&counting, PARSEAL_ERR_ARG, "seeds[299].stream_id");
    set_streams(UINT64_MAX - 1 - STEP + 1);
    refuse_set(&counting, PARSEAL_ERR_SIZE, "step");
    set_streams(UINT64_MAX);
    refuse_set(&counting, PARSEAL_ERR_SIZE, "step");
    set_streams(begin);
    counting.step = 0;
    refuse_set(&counting, PARSEAL_ERR_ARG, "step");
    counting.step = STEP;
    counting.graph_writes = 1;
    refuse_set(&counting, PARSEAL_ERR_ARG, "step");
    counting = counting_in(0, (parseal_buf){0});
    refuse_set(&counting, PARSEAL_ERR_ARG, "number");
    counting = counting_in(STEP, PART(acc));
    refuse_set(&counting, PARSEAL_ERR_SIZE, "number.size");
    counting = counting_in(STEP, parseal_host_buf(&b.host.number, 8));
    refuse_set(&counting, PARSEAL_ERR_UNSUPPORTED, "number");
    counting = counting_in(STEP, PART(number));
    counting.number.offset += 4;
    refuse_set(&counting, PARSEAL_ERR_ARG, "number");
    counting = counting_in(STEP, PART(number));
    counting.reserved = 1;
    refuse_set(&counting, PARSEAL_ERR_ARG, "reserved");
    parseal_fcp_mask mask = fcp_mask(begin);
    counting = counting_in(STEP, PART(number));
    mask.session_id_len = 7;
    assert_error(parseal_fcp_seeds_create_counting(&set, sides.ctx, &mask, fcp_keys, 1, &counting),
                 PARSEAL_ERR_SIZE, "session_id_len");
    mask = fcp_mask(begin);
    mask.modulus = 1000;
    assert_error(parseal_fcp_seeds_create_counting(&set, sides.ctx, &mask, fcp_keys, 1, &counting),
                 PARSEAL_ERR_UNSUPPORTED, "modulus");
    assert_null(set);
}

/* Vectors in host memory, or where the number is, and aggregators. */
static void calls_that_cannot_count(void **state)
{
    const parseal_vec on_host = parseal_host_vec(b.host.acc, COUNT, 4);
    const parseal_vec over = {PART(number), 2}, on_device = {PART(acc), COUNT};
    const parseal_vec number = {PART(third_number), 2};
    const parseal_quant quant = stochastic();
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_aggregator *sum;
    (void)state;
    make_sets(STEP, begin);
    assert_error(parseal_mask_apply(b.set, &ring, &on_host, 0, NULL), PARSEAL_ERR_UNSUPPORTED,
                 "acc");
    assert_error(parseal_mask_write(b.set, &ring, &over, 0, sides.stream), PARSEAL_ERR_ALIAS,
                 "out");
    assert_error(
        parseal_quantize(sides.ctx, &quant, &on_host, &on_device, b.draws, 0, NULL, sides.stream),
        PARSEAL_ERR_UNSUPPORTED, "x");
    assert_error(
        parseal_quantize(sides.ctx, &quant, &on_device, &on_host, b.draws, 0, NULL, sides.stream),
        PARSEAL_ERR_UNSUPPORTED, "q");
    assert_error(
        parseal_quantize(sides.ctx, &quant, &number, &over, b.draws, 0, NULL, sides.stream),
        PARSEAL_ERR_ALIAS, "x");
    options.ring = ring;
    options.dim = COUNT;
    options.bits = 16;
    assert_ok(parseal_aggregator_create(&sum, sides.ctx, &options));
    assert_error(parseal_aggregator_unmask(sum, b.set), PARSEAL_ERR_ARG, "seeds");
    parseal_aggregator_destroy(sum);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, bench_open, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replays),
        TEST(many_calls_of_a_graph),
        TEST(numbers_that_the_graph_writes),
        TEST(calls_that_overlap),
        TEST(fcp_names_of_any_length),
        TEST(no_number_is_left),
        TEST(captures_without_counting),
        TEST(sets_that_would_repeat),
        TEST(calls_that_cannot_count),
    };
    return sides_suite("stream numbers of captured calls", tests, COUNT_OF(tests));
}
