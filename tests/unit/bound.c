/* The bounds of the benchmark's rows, against figures worked out by hand: for an H200 by those who
 * read the machine code, for others from the rates of their pipes. */
#include "bench/device/bound.h"
#include "check.h"
#include "run.h"

/* Multiprocessors and clocks are those of the cards' data sheets. */
#define CARD(number, n, hz, memory_hz, bits)                                                \
    {                                                                                       \
        .capability = number, .multiprocessors = n, .clock = hz, .memory_clock = memory_hz, \
        .memory_bus_bits = bits                                                             \
    }

static const struct device T4 = CARD(75, 40, 1.59e9, 5.001e9, 256);
static const struct device A100 = CARD(80, 108, 1.41e9, 1.593e9, 5120);
static const struct device RTX3080 = CARD(86, 68, 1.71e9, 9.501e9, 320);
static const struct device RTX4090 = CARD(89, 128, 2.52e9, 10.501e9, 384);
static const struct device H200 = CARD(90, 132, 1.98e9, 3.2e9, 6144);
static const struct device B200 = CARD(100, 148, 1.965e9, 4e9, 8192);
static const struct device RTX5090 = CARD(120, 170, 2.407e9, 14.001e9, 512);
static const struct device UNKNOWN = CARD(90, 132, 0, 0, 0);

static const struct measured_rates RATES = {
    .device_copy = 3000, .host_to_device = 50, .device_to_host = 40};

/* A figure that is given to three digits agrees if it is within six parts of a thousand. */
static void expect(const struct device *card, enum bound_kind kind, double want)
{
    const double got = bound_of(kind, card, &RATES).gbps;
    if (got < want * 0.994 || got > want * 1.006)
        fail_msg("compute capability %d, bound %d: %g GB/s, not %g", card->capability, (int)kind,
                 got, want);
}

/* "Ceiling of the machine code", but for GHASH by integers: 261.36 clocks of all multiprocessors a
 * nanosecond, times 16 bytes, over 144 products at 32 a clock. */
static void h200(void **state)
{
    (void)state;
    expect(&H200, BOUND_AES256_CTR, 630);
    expect(&H200, BOUND_AES128_CTR, 908);
    expect(&H200, BOUND_GHASH_MMA, 4250);
    expect(&H200, BOUND_GHASH_INTEGER, 929);
    expect(&H200, BOUND_GHASH_CLMAD, 4915);     /* its memory; the products would do 31,490 */
    expect(&H200, BOUND_AES256_SEAL_LONG, 630); /* one pass */
    expect(&H200, BOUND_AES128_SEAL_LONG, 908);
    expect(&H200, BOUND_AES256_SEAL_SHORT, 630);
    expect(&H200, BOUND_AES256_OPEN_LONG, 558.5); /* two */
    expect(&H200, BOUND_AES256_OPEN_SHORT, 558.5);
    expect(&H200, BOUND_CHACHA20, 1793);
    expect(&H200, BOUND_CHACHA20_PRIME, 1150);
}

/* 8.0 and 10.0 read 32 words of shared memory a clock: 1,699 clocks for 4 KiB. */
static void large_multiprocessors(void **state)
{
    (void)state;
    expect(&A100, BOUND_AES256_CTR, 367.1);
    expect(&A100, BOUND_GHASH_MMA, 2039); /* its memory; the products would do 2,477 */
    expect(&A100, BOUND_AES256_SEAL_LONG, 367.1);
    expect(&A100, BOUND_AES256_OPEN_LONG, 311.1);
    expect(&B200, BOUND_AES256_CTR, 701.1);
}

/* 7.5, 8.6, 8.9 and 12.0 read 16: 3,398 clocks for 4 KiB of AES-256, 2,358 of AES-128. */
static void narrow_shared_memory(void **state)
{
    (void)state;
    expect(&T4, BOUND_AES256_CTR, 76.66);
    expect(&RTX3080, BOUND_AES256_CTR, 140.2);
    expect(&RTX3080, BOUND_GHASH_CLMAD, 437.8);
    expect(&RTX4090, BOUND_AES256_CTR, 388.8);
    expect(&RTX4090, BOUND_AES128_CTR, 560.3);
    expect(&RTX4090, BOUND_AES256_SEAL_LONG, 280.6);
    expect(&RTX5090, BOUND_AES256_CTR, 493.2);
}

/* Devices without products of bits hash long messages without carries, or by integers. */
static void without_bit_products(void **state)
{
    (void)state;
    assert_true(bound_of(BOUND_GHASH_MMA, &T4, &RATES).gbps == 0);
    assert_true(bound_of(BOUND_GHASH_MMA, &B200, &RATES).gbps == 0);
    assert_true(bound_of(BOUND_GHASH_MMA, &RTX5090, &RATES).gbps == 0);
    expect(&T4, BOUND_GHASH_INTEGER, 226.1);
    expect(&T4, BOUND_AES256_SEAL_LONG, 57.25);
    assert_true(bound_of(BOUND_GHASH_CLMAD, &T4, &RATES).gbps == 0);
    expect(&B200, BOUND_GHASH_CLMAD, 8192); /* its memory; the products would do 17,520 */
    expect(&B200, BOUND_AES256_OPEN_LONG, 645.8);
    expect(&RTX5090, BOUND_GHASH_CLMAD, 1540); /* 2 lanes */
    expect(&RTX5090, BOUND_AES256_SEAL_LONG, 373.6);
}

static void measured(void **state)
{
    struct measured_rates fast = RATES;
    (void)state;
    fast.device_copy = 4300;
    expect(&H200, BOUND_COPY, 3000);
    expect(&H200, BOUND_QUANTIZE, 3000);
    assert_true(bound_of(BOUND_QUANTIZE, &H200, &fast).gbps < 3600); /* 8 bytes for 4 of 1,793 */
    assert_true(bound_of(BOUND_QUANTIZE, &H200, &fast).gbps > 3570);
    expect(&H200, BOUND_LINK, 40);
    expect(&H200, BOUND_BOTH_LINKS, 90);
    expect(&RTX4090, BOUND_MEMORY, 1008);
}

/* A driver that does not tell the clock leaves the bounds unknown. */
static void unknown(void **state)
{
    const struct measured_rates nothing = {0};
    (void)state;
    for (int kind = BOUND_NONE; kind <= BOUND_BOTH_LINKS; kind++)
        assert_true(bound_of((enum bound_kind)kind, &UNKNOWN, &nothing).gbps == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h200),
        cmocka_unit_test(large_multiprocessors),
        cmocka_unit_test(narrow_shared_memory),
        cmocka_unit_test(without_bit_products),
        cmocka_unit_test(measured),
        cmocka_unit_test(unknown),
    };
    return RUN_SUITE("bound", tests);
}
