/* The emulator itself: what threads do together, against its definition, and what it has to refuse.
 */
#include <string.h>

#include "check.h"
#include "emulator.h"
#include "rng.h"
#include "run.h"

static void launch(const char *kernel, uint32_t blocks, uint32_t threads, uint32_t shared,
                   void **args)
{
    if (emulator_launch(kernel, blocks, threads, shared, args) != 0)
        fail_msg("%s", emulator_error());
}

static void together(void **state)
{
    (void)state;
    enum { BLOCKS = 2, THREADS = 64 };
    uint32_t out[BLOCKS * THREADS][3], *p = &out[0][0];
    launch("collect", BLOCKS, THREADS, 0, (void *[]){&p});
    for (uint32_t i = 0; i < BLOCKS * THREADS; i++) {
        const uint32_t thread = i % THREADS, warp = thread / 32 * 32;
        uint32_t ballot = 0;
        for (uint32_t lane = 0; lane < 32; lane++)
            ballot |= (uint32_t)((warp + lane) % 3 == 0) << lane;
        assert_int_equal(out[i][0], 100 + warp + (thread + 5) % 32);
        assert_int_equal(out[i][1], thread ^ 3);
        assert_int_equal(out[i][2], ballot + (warp == 32 ? UINT32_C(1) << 31 : 0));
    }
}

/* Bits of a row of A, or of a column of B, from the fragments of the lanes. */
static uint32_t bit_of_a(uint32_t a[32][4], uint32_t row, uint32_t k)
{
    const uint32_t lane = 4 * (row % 8) + k % 128 / 32;
    return a[lane][row / 8 + 2 * (k / 128)] >> (k % 32) & 1;
}

static uint32_t bit_of_b(uint32_t b[32][2], uint32_t column, uint32_t k)
{
    return b[4 * column + k % 128 / 32][k / 128] >> (k % 32) & 1;
}

static void products_of_matrices(void **state)
{
    (void)state;
    rng r = rng_for("mma");
    uint32_t a[32][4], b[32][2], c[32][4], before[32][4];
    uint32_t *pa = &a[0][0], *pb = &b[0][0], *pc = &c[0][0];
    rng_fill(&r, a, sizeof a);
    rng_fill(&r, b, sizeof b);
    rng_fill(&r, c, sizeof c);
    memcpy(before, c, sizeof c);
    launch("matrix", 1, 32, 0, (void *[]){&pa, &pb, &pc});
    for (uint32_t row = 0; row < 16; row++)
        for (uint32_t column = 0; column < 8; column++) {
            const uint32_t lane = 4 * (row % 8) + column / 2, i = 2 * (row / 8) + column % 2;
            uint32_t sum = before[lane][i];
            for (uint32_t k = 0; k < 256; k++)
                sum += bit_of_a(a, row, k) & bit_of_b(b, column, k);
            assert_int_equal(c[lane][i], sum);
        }
}

static void shared_memory(void **state)
{
    (void)state;
    enum { THREADS = 96 };
    uint32_t data[THREADS], *p = data, times = 3;
    for (uint32_t i = 0; i < THREADS; i++)
        data[i] = i;
    launch("reverse", 1, THREADS, sizeof data, (void *[]){&p, &times});
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(data[i], THREADS - 1 - i);
}

static void bytes(void **state)
{
    (void)state;
    uint32_t in[3] = {0x33221100, 0x77665544, 0x1604}, out[2], *pi = in, *po = out;
    launch("permute", 1, 32, 0, (void *[]){&pi, &po});
    assert_int_equal(out[0], 0x11660044);
    assert_int_equal(out[1], 0x1604 + 0x11 * 0x55 + 0x22 * 0x66 + 0x33 * 0x77);
}

static void refusals(void **state)
{
    (void)state;
    static const char *const says[] = {
        "",
        "words[63] is read, which nobody has written",
        "race: words[0] is read, which thread 0 has written",
        "race: words[40] is written, which another thread has read",
        "race: words[7] is written, which thread 0 has written",
        "race: words[1] is read, which thread 0 has written",
        "race: words[5] is written, which another thread has read",
        "race: words[1] is read, which thread 1 has written",
        ": thread 0 waits at a barrier of its block, which thread 50 does not reach",
        ": thread 0 waits at a barrier of its block, which thread 32 does not reach",
        ": thread 0 waits at a barrier of its warp, which thread 9 does not reach",
        "words[64] of 64",
        "is not aligned",
    };
    _Alignas(16) uint32_t out[64];
    uint32_t *p = out;
    for (uint32_t what = 0; what < COUNT_OF(says); what++) {
        const int result = emulator_launch("misuse", 1, 64, 0, (void *[]){&what, &p});
        const char *error = emulator_error();
        if ((result == 0) != (what == 0) || strstr(error, says[what]) == NULL ||
            strstr(error, what == 0                   ? ""
                          : what + 1 < COUNT_OF(says) ? " self.cu:"
                                                      : " ptx.h:") == NULL)
            fail_msg("misuse %u: \"%s\"", (unsigned)what, error);
    }
    assert_int_equal(emulator_launch("no such kernel", 1, 64, 0, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(together),      cmocka_unit_test(products_of_matrices),
        cmocka_unit_test(shared_memory), cmocka_unit_test(bytes),
        cmocka_unit_test(refusals),
    };
    return RUN_SUITE("the emulator", tests);
}
