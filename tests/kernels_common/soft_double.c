/* kernels/common/soft_double.h as C, against the machine's own doubles. */
#include "kernels/common/soft_double.h"

#include <string.h>

#include "check.h"
#include "rng.h"
#include "run.h"

enum { RANDOM = 300000 };

static u64 bits_of_double(double x)
{
    u64 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static u32 bits_of_float(float x)
{
    u32 bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Checks every step of sum * step / n - clip. */
static void check(u64 sum, double step, double n, double clip)
{
    const double product = (double)sum * step, quotient = product / n, mean = quotient - clip;
    const u64 soft_sum = soft_from_u64(sum);
    const u64 soft_product = soft_multiply(soft_sum, bits_of_double(step));
    const u64 soft_quotient = soft_divide(soft_product, bits_of_double(n));
    const u64 soft_mean = soft_subtract(soft_quotient, bits_of_double(clip));
    assert_true(soft_sum == bits_of_double((double)sum));
    assert_true(soft_product == bits_of_double(product));
    assert_true(soft_quotient == bits_of_double(quotient));
    assert_true(soft_mean == bits_of_double(mean));
    assert_int_equal(soft_to_float(soft_mean), bits_of_float((float)mean));
}

static double step_of(float clip, u32 bits)
{
    return 2 * (double)clip / (double)(((u64)1 << bits) - 1);
}

/* Numbers are of any size, or cancel all but each other's last digits. */
static void random_numbers(void **state)
{
    (void)state;
    rng r = rng_for("soft doubles");
    for (int i = 0; i < RANDOM; i++) {
        const u32 bits = (u32)rng_range(&r, 1, 24), clip_bits = (u32)rng_range(&r, 30, 220) << 23;
        float clip = 1;
        u64 sum = rng_u64(&r) >> rng_below(&r, 64);
        u64 n = (rng_u64(&r) >> rng_below(&r, 64)) | 1;
        const u32 any = clip_bits | (u32)rng_below(&r, 1 << 23);
        if (i % 2 == 0)
            memcpy(&clip, &any, sizeof clip);
        if (i % 3 == 0) {
            n = rng_range(&r, 1, 1000);
            sum = (((u64)1 << bits) - 1) * n / 2 + rng_below(&r, 5);
        }
        check(i % 97 == 0 ? 0 : sum, step_of(clip, bits), (double)n, (double)clip);
    }
}

/* Sums lie halfway between two doubles, and at the ends of their range of exact integers. */
static void ties(void **state)
{
    (void)state;
    for (int k = 52; k < 64; k++)
        for (int d = -3; d <= 3; d++) {
            check(((u64)1 << k) + (u64)(int64_t)d, 1, 1, 1);
            check(((u64)1 << k) + ((u64)1 << (k - 52) >> 1) + (u64)(int64_t)d, 1, 3, 1);
        }
    check(UINT64_MAX, 1, 1, 1);
    check(0, 1, 1, 1);
}

/* The results are floats that are subnormal, zero, or the largest there are. */
static void floats(void **state)
{
    (void)state;
    rng r = rng_for("floats");
    for (int i = 0; i < RANDOM; i++) {
        const u64 exponent = (u64)rng_range(&r, 1023 - 160, 1023 + 130) << 52;
        const u64 bits = exponent | (rng_u64(&r) & U64C(0x800fffffffffffff));
        const u64 tie = bits & ~U64C(0x1fffffff), number = i % 3 == 0 ? tie | 0x10000000 : bits;
        double x;
        memcpy(&x, &number, sizeof x);
        assert_int_equal(soft_to_float(number), bits_of_float((float)x));
    }
    assert_int_equal(soft_to_float(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(ties),
        cmocka_unit_test(floats),
    };
    return RUN_SUITE("doubles in integers", tests);
}
