/* Streams whose allocations fail: as no_memory.c, and a stream goes on with the same call. */
#include <string.h>

#include "all_threads.h"
#include "check.h"
#include "failing.h"
#include "parseal/sealed.h"
#include "run.h"

enum { THREADS = 3, SEGMENT = 4096, PLAIN = 100000, ROOM = 2 * PLAIN };

static struct {
    parseal_ctx *ctx;
    parseal_sealed *stream;
    uint8_t in[PLAIN], out[ROOM], want[ROOM];
    size_t len, n, written;
} b;

static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};

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
    for (size_t i = 0; i < PLAIN; i++)
        b.in[i] = (uint8_t)(i * 7 + i / 251);
    b.ctx = run_ctx(THREADS);
    on_all_threads(THREADS, do_nothing, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    parseal_sealed_destroy(b.stream);
    parseal_ctx_destroy(b.ctx);
    return 0;
}

static parseal_sealed_params small_segments(void)
{
    parseal_sealed_params p = PARSEAL_SEALED_PARAMS_INIT;
    p.segment_size = SEGMENT;
    p.aad = "aad";
    p.aad_len = 3;
    return p;
}

static parseal_status seal_whole(void)
{
    const parseal_sealed_params p = small_segments();
    return parseal_sealed_seal(b.ctx, &p, key, sizeof key, b.in, PLAIN, b.out, sizeof b.out,
                               &b.written);
}

static parseal_status open_whole(void)
{
    const parseal_sealed_params p = small_segments();
    return parseal_sealed_open(b.ctx, &p, key, sizeof key, b.want, b.len, b.out, sizeof b.out,
                               &b.written);
}

static void nothing_is_written(void)
{
    assert_int_equal(b.written, 0);
}

static parseal_status create_stream(void)
{
    const parseal_sealed_params p = small_segments();
    return b.n == 0 ? parseal_sealed_seal_create(&b.stream, b.ctx, &p, key, sizeof key)
                    : parseal_sealed_open_create(&b.stream, b.ctx, &p, key, sizeof key);
}

static void no_stream(void)
{
    assert_null(b.stream);
}

static size_t update_from, update_len, update_to;

static parseal_status update_stream(void)
{
    const uint8_t *from = b.n == 0 ? b.in : b.want;
    return parseal_sealed_update(b.stream, from + update_from, update_len, b.out + update_to,
                                 sizeof b.out - update_to, &b.written);
}

static parseal_status end_stream(void)
{
    return parseal_sealed_final(b.stream, b.out + update_to, sizeof b.out - update_to, &b.written);
}

/* In updates that end within segments, each of which fails and is made again. */
static size_t run_stream(size_t len)
{
    enum { STEP = 7000 };
    each_allocation(create_stream, no_stream, b.n == 0 ? 3 : 1);
    update_to = 0;
    for (update_from = 0; update_from < len; update_from += STEP) {
        update_len = len - update_from < STEP ? len - update_from : STEP;
        each_allocation(update_stream, nothing_is_written, 0);
        update_to += b.written;
        b.written = 0;
    }
    each_allocation(end_stream, nothing_is_written, 0);
    const size_t size = update_to + b.written;
    b.written = 0;
    parseal_sealed_destroy(b.stream);
    b.stream = NULL;
    return size;
}

static void test_streams(void **state)
{
    (void)state;
    each_allocation(seal_whole, nothing_is_written, 4);
    b.len = b.written;
    memcpy(b.want, b.out, b.len);
    b.written = 0;
    each_allocation(open_whole, nothing_is_written, 4);
    assert_int_equal(b.written, PLAIN);
    assert_bytes(b.out, b.in, PLAIN);

    b.written = 0;
    b.len = run_stream(PLAIN);
    memcpy(b.want, b.out, b.len);
    b.n = 1;
    memset(b.out, 0, sizeof b.out);
    assert_int_equal(run_stream(b.len), PLAIN);
    assert_bytes(b.out, b.in, PLAIN);
}

/* A stream that was cut off is never called authentic, nor what it is not. */
static void test_cut_stream(void **state)
{
    bool explained = false;
    (void)state;
    assert_ok(seal_whole());
    memcpy(b.want, b.out, b.written);
    b.len = 3 * SEGMENT;
    for (size_t n = 0; !explained; n++) {
        fail_nth(n);
        const parseal_status status = open_whole();
        const char *text = parseal_last_error_text();
        explained = !stop_failing();
        if (explained || strstr(text, "to find out why") != NULL)
            assert_int_equal(status, PARSEAL_ERR_AUTH);
        else
            assert_int_equal(status, PARSEAL_ERR_NO_MEMORY);
        assert_true(explained == (strstr(text, "was cut off") != NULL));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {TEST(streams), TEST(cut_stream)};
    return RUN_SUITE("hygiene.no_memory_sealed", tests);
}
