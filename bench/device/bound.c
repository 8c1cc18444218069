#include "bench/device/bound.h"

/* What a multiprocessor does in a clock: lanes of its pipes, and warp instructions issued. */
static const double ALU_LANES = 64;
static const double FMA_LANES = 64;  /* integer multiply-adds, and dot products of bytes */
static const double WIDE_LANES = 32; /* the same pipe: products of 64 bits */
static const double ISSUED = 4;
static const double BIT_PRODUCTS = 0.54; /* b1 mma.m16n8k256, as others measured on a GH200 */
/* Carry-less multiplications are for the pipe of double precision. Others measured 29 lanes on 10.0
 * and 2 on 12.0; for 8.0 and 9.0 these are the lanes that the pipe has. */
static const double CLMAD_LANES_80 = 32, CLMAD_LANES_90 = 64, CLMAD_LANES_FEW = 2;

enum { LANES = 32, BLOCK = 16 };

/* The warp instructions that some bytes take on each pipe. Shared memory counts in passes of a word
 * for each of 32 lanes: a load of 16 bytes that is the same for all lanes takes two passes, and 16
 * bytes of data for each lane take four, as global memory has the same port. */
struct work {
    double bytes, shared, alu, fma, issued;
};

/* Counter mode of 256 blocks, eight a lane, with rounds 1 and 2 done once for all of them. AES-256
 * has 1,603 lookups, 15 round keys that are the same for all lanes, their store in two passes, and
 * 16 loads and stores of data: 1,603 + 2 * 15 + 2 + 4 * 16. AES-128 has 1,091 and 11. */
static const struct work AES256_FOUR_TABLES = {4096, 1699, 1091, 1707, 4642};
static const struct work AES128_FOUR_TABLES = {4096, 1179, 829, 1193, 3348};
/* With one table alone, three byte permutations and an exclusive or more make a column. */
static const struct work AES256_ONE_TABLE = {4096, 1699, 2561, 1707, 6112};
static const struct work AES128_ONE_TABLE = {4096, 1179, 1787, 1193, 4306};

/* ChaCha20 blocks of all lanes, added to a vector of 32-bit elements mod 2^k and mod a prime. Wide
 * products, of which there are 38 and 41, count twice. */
static const struct work MASK_POW2 = {2048, 0, 597, 428, 1066};
static const struct work MASK_PRIME = {2048, 0, 931, 480, 1407};

static const double GHASH_WIDE = 144; /* products of a block, by Karatsuba's method */
static const double GHASH_BIT_PRODUCTS = 17, GHASH_BIT_BYTES = 512;
static const double GHASH_CLMAD =
    8.5; /* eight for a block's product, four for a reduction of eight */

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double most(double a, double b)
{
    return a > b ? a : b;
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

/* Returns whether a multiprocessor is one of the large ones, 8.0, 9.0 and 10.0: with room for four
 * tables, and shared memory that answers 32 lanes in a clock. 7.5, 8.6, 8.9 and 12.0 answer 16. */
static bool is_large(const struct device *d)
{
    return d->capability == 80 || (d->capability >= 90 && d->capability < 120);
}

/* Returns whether aead_hash_mma is used: others have no instruction for products of bits. */
static bool has_bit_products(const struct device *d)
{
    return d->capability >= 80 && d->capability < 100;
}

/* Returns the rate at which the busiest pipe gets the work done. */
static double rate_of(const struct device *d, const struct work *w)
{
    const double shared = w->shared * (is_large(d) ? 1 : 2);
    const double arithmetic = most(w->alu * LANES / ALU_LANES, w->fma * LANES / FMA_LANES);
    return gigaclocks(d) * w->bytes / most(shared, most(arithmetic, w->issued / ISSUED));
}

static double aes256_ctr(const struct device *d)
{
    return rate_of(d, is_large(d) ? &AES256_FOUR_TABLES : &AES256_ONE_TABLE);
}

static double aes128_ctr(const struct device *d)
{
    return rate_of(d, is_large(d) ? &AES128_FOUR_TABLES : &AES128_ONE_TABLE);
}

/* Returns the memory's peak, at two transfers a clock. */
static double memory_peak(const struct device *d)
{
    return 1e-9 * 2 * d->memory_clock * d->memory_bus_bits / 8;
}

static double ghash_mma(const struct device *d)
{
    const double memory = memory_peak(d);
    const double products = gigaclocks(d) * GHASH_BIT_BYTES * BIT_PRODUCTS / GHASH_BIT_PRODUCTS;
    if (!has_bit_products(d))
        return 0;
    return memory > 0 ? least(products, memory) : products;
}

static double ghash_integer(const struct device *d)
{
    return gigaclocks(d) * BLOCK * WIDE_LANES / GHASH_WIDE;
}

/* Returns 0 where there is no carry-less multiplication. */
static double ghash_clmad(const struct device *d)
{
    const double lanes = !is_large(d)                                 ? CLMAD_LANES_FEW
                         : d->capability >= 90 && d->capability < 100 ? CLMAD_LANES_90
                                                                      : CLMAD_LANES_80;
    const double memory = memory_peak(d), products = gigaclocks(d) * BLOCK * lanes / GHASH_CLMAD;
    if (d->capability < 80)
        return 0;
    return memory > 0 ? least(products, memory) : products;
}

/* A device hashes in the way that is the fastest on it; tensor cores serve long messages alone. */
static struct bound in_two_passes(const struct device *d, double ctr, bool is_long)
{
    const double all = most(ghash_clmad(d), ghash_integer(d));
    const double hash = is_long ? most(all, ghash_mma(d)) : all, memory = memory_peak(d);
    return (struct bound){in_turn(ctr, memory > 0 ? least(hash, memory) : hash),
                          "AES-CTR, then GHASH in the fastest way"};
}

/* Large multiprocessors hash without carries what they have just encrypted: pipes that counter mode
 * leaves idle do that. */
static struct bound seal(const struct device *d, double ctr, bool is_long)
{
    if (is_large(d))
        return (struct bound){ctr, "AES-CTR, with GHASH in the same pass"};
    return in_two_passes(d, ctr, is_long);
}

struct bound bound_of(enum bound_kind kind, const struct device *d,
                      const struct measured_rates *measured)
{
    switch (kind) {
    case BOUND_AES128_CTR:
        return (struct bound){aes128_ctr(d), "shared memory, 1,179 passes for 4 KiB"};
    case BOUND_AES256_CTR:
        return (struct bound){aes256_ctr(d), "shared memory, 1,699 passes for 4 KiB"};
    case BOUND_GHASH_MMA:
        return (struct bound){ghash_mma(d), "b1 tensor-core products, or memory"};
    case BOUND_GHASH_INTEGER:
        return (struct bound){ghash_integer(d), "144 wide multiplies a block"};
    case BOUND_GHASH_CLMAD:
        return (struct bound){ghash_clmad(d), "8.5 carry-less multiplies a block, or memory"};
    case BOUND_AES128_SEAL_LONG:
        return seal(d, aes128_ctr(d), true);
    case BOUND_AES256_SEAL_LONG:
        return seal(d, aes256_ctr(d), true);
    case BOUND_AES256_SEAL_SHORT:
        return seal(d, aes256_ctr(d), false);
    case BOUND_AES256_OPEN_LONG:
        return in_two_passes(d, aes256_ctr(d), true);
    case BOUND_AES256_OPEN_SHORT:
        return in_two_passes(d, aes256_ctr(d), false);
    case BOUND_CHACHA20:
        return (struct bound){rate_of(d, &MASK_POW2), "597 ALU operations a 64-byte block"};
    case BOUND_CHACHA20_PRIME:
        return (struct bound){rate_of(d, &MASK_PRIME), "931 ALU operations a 64-byte block"};
    case BOUND_MEMORY:
        return (struct bound){memory_peak(d), "the memory's clock and width"};
    case BOUND_COPY:
        return (struct bound){measured->device_copy, "the measured device copy"};
    case BOUND_QUANTIZE:
        return (struct bound){measured->device_copy > 0
                                  ? least(measured->device_copy, 2 * rate_of(d, &MASK_POW2))
                                  : 0,
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
