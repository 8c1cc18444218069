/* The tests' own tools: what they rely on to notice anything. */
#include <signal.h>
#include <string.h>

#include "check.h"
#include "guard.h"
#include "process.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

typedef struct {
    volatile uint8_t *p;
    bool write;
} touch;

static void do_touch(void *arg)
{
    const touch *t = arg;
    if (t->write)
        *t->p = 1;
    else
        (void)*t->p;
}

/* Does touching *p end a process with a memory fault? */
static bool faults(volatile uint8_t *p, bool write)
{
    return signal_of(do_touch, &(touch){p, write}) == SIGSEGV;
}

static void guards_fault(void **state)
{
    (void)state;
    guard_buf g;
    guard_open(&g, 5000);
    for (size_t size = 1; size <= 4097; size += 1024) {
        uint8_t *p = guard_place(&g, GUARD_BEFORE, size, 0);
        assert_true(faults(p - 1, false));
        assert_false(faults(p, true));
        p = guard_place(&g, GUARD_AFTER, size, 0);
        assert_true(faults(p + size, false));
        assert_false(faults(p + size - 1, true));
        guard_readonly(&g);
        assert_true(faults(p, true));
        assert_false(faults(p, false));
    }
    guard_close(&g);
}

static void guards_align(void **state)
{
    (void)state;
    guard_buf g;
    guard_open(&g, 100);
    for (size_t size = 0; size < 40; size++) {
        for (size_t alignment = 1; alignment <= 16; alignment *= 2) {
            for (int side = 0; side < GUARD_SIDES; side++) {
                uint8_t *p = guard_place_aligned(&g, (guard_side)side, size, alignment);
                assert_int_equal((uintptr_t)p % alignment, 0);
                guard_check(&g);
            }
        }
    }
    guard_close(&g);
}

static void bits_and_elements(void **state)
{
    (void)state;
    /* 3 bits each: 5, 2, 7 are 101, 010, 111, least significant first in the stream */
    const uint8_t elements[12] = {5, 0, 0, 0, 2, 0, 0, 0, 0xff};
    uint8_t packed[2];
    uint8_t back[12];
    const uint8_t want[12] = {5, 0, 0, 0, 2, 0, 0, 0, 7};
    ref_pack(3, 4, elements, packed, 3);
    assert_int_equal(packed[0], 0xd5);
    assert_int_equal(packed[1], 0x01);
    ref_unpack(3, 4, packed, back, 3);
    assert_bytes(back, want, sizeof want);
    assert_int_equal(elem_load("\1\2\3\4\5\6\7\10", 0, 8), UINT64_C(0x0807060504030201));
    assert_int_equal(elem_load("\1\2\3\4\5\6\7\10", 1, 4), 0x08070605);
}

static void rings(void **state)
{
    (void)state;
    const parseal_ring all = {0, 8, 0};
    const parseal_ring five = {5, 4, 0};
    assert_int_equal(ring_bits(&all), 64);
    assert_int_equal(ring_bits(&five), 3);
    for (size_t i = 0; i < N_RINGS; i++) {
        u128 m = ring_modulus(&RINGS[i]);
        assert_true(m > (u128)1 << (ring_bits(&RINGS[i]) - 1) && m <= (u128)1
                                                                          << ring_bits(&RINGS[i]));
        assert_true(m <= (u128)1 << (8 * RINGS[i].element_size));
        assert_int_equal(ring_reduce(&RINGS[i], 7 * m + 1), 1);
    }
}

static void random_data_is_reproducible(void **state)
{
    (void)state;
    rng a = rng_for("one");
    rng b = rng_for("one");
    rng c = rng_for("two");
    uint64_t first = rng_u64(&a);
    assert_int_equal(first, rng_u64(&b));
    assert_int_not_equal(first, rng_u64(&c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guards_fault),
        cmocka_unit_test(guards_align),
        cmocka_unit_test(bits_and_elements),
        cmocka_unit_test(rings),
        cmocka_unit_test(random_data_is_reproducible),
    };
    return RUN_SUITE("support", tests);
}
