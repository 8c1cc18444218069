#include "bench/device/bound.h"

/* Operations of a multiprocessor in a clock. */
static const double ALU_LANES = 64, MULTIPLY_LANES = 64, SHARED_WORDS = 32;

/* Operations for each block, before rounds 1 and 2 are shared. */
static const double AES256_ALU = 522, AES256_LOOKUPS = 224, AES128_ALU = 373, AES128_LOOKUPS = 160;
/* The counts are for four tables in shared memory, which save 22% against one. */
static const double ONE_TABLE_ALU = 1 / 0.78;
static const double CHACHA20_ALU = 620;      /* operations for 64 bytes */
static const double GHASH_MULTIPLIES = 144;  /* operations for each block, Karatsuba */
static const double GHASH_MMA_BYTES = 17.22; /* per multiprocessor and clock: 0.54 b1 products */

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Returns the rate of two steps that run one after the other. */
static double in_turn(double a, double b)
{
    return a > 0 && b > 0 ? 1 / (1 / a + 1 / b) : 0;
}

/* Returns the clocks of all multiprocessors in 10^9 a second: it turns bytes a clock into GB/s. */
static double gigaclocks(const struct device *d)
{
    return 1e-9 * d->multiprocessors * d->clock;
}

static bool has_four_tables(const struct device *d)
{
    return d->capability == 80 || (d->capability >= 90 && d->capability < 120);
}

static double aes_ctr(const struct device *d, double alu, double lookups)
{
    const double operations = has_four_tables(d) ? alu : alu * ONE_TABLE_ALU;
    return gigaclocks(d) * 16 * least(ALU_LANES / operations, SHARED_WORDS / lookups);
}

/* Returns the memory's peak, at two transfers a clock. */
static double memory_peak(const struct device *d)
{
    return 1e-9 * 2 * d->memory_clock * d->memory_bus_bits / 8;
}

static double ghash_mma(const struct device *d)
{
    const double products = gigaclocks(d) * GHASH_MMA_BYTES, memory = memory_peak(d);
    return memory > 0 ? least(products, memory) : products;
}

static double ghash_integer(const struct device *d)
{
    return gigaclocks(d) * 16 * MULTIPLY_LANES / GHASH_MULTIPLIES;
}

static double chacha20(const struct device *d)
{
    return gigaclocks(d) * 64 * ALU_LANES / CHACHA20_ALU;
}

struct bound bound_of(enum bound_kind kind, const struct device *d,
                      const struct measured_rates *measured)
{
    const double aes128 = aes_ctr(d, AES128_ALU, AES128_LOOKUPS);
    const double aes256 = aes_ctr(d, AES256_ALU, AES256_LOOKUPS);
    switch (kind) {
    case BOUND_AES128_CTR:
        return (struct bound){aes128, "ALU, AES-128 without sharing rounds"};
    case BOUND_AES256_CTR:
        return (struct bound){aes256, "ALU, AES-256 without sharing rounds"};
    case BOUND_GHASH_MMA:
        return (struct bound){ghash_mma(d), "b1 tensor-core products, or memory"};
    case BOUND_GHASH_INTEGER:
        return (struct bound){ghash_integer(d), "144 multiplies a block"};
    case BOUND_AES128_GCM_MMA:
        return (struct bound){in_turn(aes128, ghash_mma(d)), "AES-128-CTR, then GHASH (b1)"};
    case BOUND_AES256_GCM_MMA:
        return (struct bound){in_turn(aes256, ghash_mma(d)), "AES-256-CTR, then GHASH (b1)"};
    case BOUND_AES256_GCM_INTEGER:
        return (struct bound){in_turn(aes256, ghash_integer(d)),
                              "AES-256-CTR, then GHASH (multiplies)"};
    case BOUND_CHACHA20:
        return (struct bound){chacha20(d), "620 ALU operations a 64-byte block"};
    case BOUND_MEMORY:
        return (struct bound){memory_peak(d), "the memory's clock and width"};
    case BOUND_COPY:
        return (struct bound){measured->device_copy, "the measured device copy"};
    case BOUND_QUANTIZE:
        return (struct bound){
            measured->device_copy > 0 ? least(measured->device_copy, 2 * chacha20(d)) : 0,
            "the measured device copy, or ChaCha20"};
    case BOUND_LINK:
        return (struct bound){least(measured->host_to_device, measured->device_to_host),
                              "the slower measured direction of the link"};
    case BOUND_BOTH_LINKS:
        return (struct bound){measured->host_to_device + measured->device_to_host,
                              "both directions, each as measured by itself"};
    case BOUND_NONE:
        break;
    }
    return (struct bound){0, ""};
}
