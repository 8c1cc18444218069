/* GHASH (SP 800-38D section 6.4) by integer multiplication with holes.
 *
 * A carry-less product is an integer product whose carries are thrown away. Split each operand into
 * four words that keep every fourth bit: in a product of two such words at most 16 terms meet in
 * one bit, so a carry stays within the three bits of the hole above it and is masked away. (16
 * terms meet only in the top bit, whose carry leaves the word.) This gives the low 64 bits of a
 * product; the high 64 bits are the low ones of the bit-reversed operands, reversed back.
 *
 * By Karatsuba's method three products of 64 x 64 bits give one of 128 x 128. Masking is linear, so
 * the products of GHASH_POWERS blocks are XORed first, and masked and reduced once.
 *
 * GHASH numbers bits from the left: block bytes are read big-endian, and a product comes out
 * shifted right by one bit. The polynomial is x^128 + x^7 + x^2 + x + 1.
 *
 * Constant time: no branch and no address depends on data, if the multiplier's time does not.
 */
#include "fallback/portable/ghash_holes.h"

#include <sodium.h>
#include <string.h>

#include "fallback/math/bytes.h"

static const uint64_t every_fourth = UINT64_C(0x1111111111111111);

/* Sums of products with carries in their holes: [part][the bits' number mod 4]. */
typedef struct {
    uint64_t straight[3][4], reversed[3][4];
} products;

static uint64_t reverse_bits(uint64_t x)
{
    x = (x & UINT64_C(0x5555555555555555)) << 1 | (x >> 1 & UINT64_C(0x5555555555555555));
    x = (x & UINT64_C(0x3333333333333333)) << 2 | (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4 | (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f));
    x = (x & UINT64_C(0x00ff00ff00ff00ff)) << 8 | (x >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    x = (x & UINT64_C(0x0000ffff0000ffff)) << 16 | (x >> 16 & UINT64_C(0x0000ffff0000ffff));
    return x << 32 | x >> 32;
}

static void factor_init(gf128_factor *f, uint64_t hi, uint64_t lo)
{
    f->straight[0] = lo;
    f->straight[1] = hi;
    f->straight[2] = lo ^ hi;
    f->reversed[0] = reverse_bits(lo);
    f->reversed[1] = reverse_bits(hi);
    f->reversed[2] = f->reversed[0] ^ f->reversed[1];
}

static inline void accumulate(uint64_t z[4], uint64_t x, uint64_t y)
{
    const uint64_t x0 = x & every_fourth, x1 = x & every_fourth << 1;
    const uint64_t x2 = x & every_fourth << 2, x3 = x & every_fourth << 3;
    const uint64_t y0 = y & every_fourth, y1 = y & every_fourth << 1;
    const uint64_t y2 = y & every_fourth << 2, y3 = y & every_fourth << 3;
    z[0] ^= (x0 * y0) ^ (x1 * y3) ^ (x2 * y2) ^ (x3 * y1);
    z[1] ^= (x0 * y1) ^ (x1 * y0) ^ (x2 * y3) ^ (x3 * y2);
    z[2] ^= (x0 * y2) ^ (x1 * y1) ^ (x2 * y0) ^ (x3 * y3);
    z[3] ^= (x0 * y3) ^ (x1 * y2) ^ (x2 * y1) ^ (x3 * y0);
}

static inline void accumulate_product(products *z, uint64_t hi, uint64_t lo, const gf128_factor *f)
{
    gf128_factor x;
    factor_init(&x, hi, lo);
    for (int part = 0; part < 3; part++) {
        accumulate(z->straight[part], x.straight[part], f->straight[part]);
        accumulate(z->reversed[part], x.reversed[part], f->reversed[part]);
    }
}

static uint64_t drop_carries(const uint64_t z[4])
{
    return (z[0] & every_fourth) | (z[1] & every_fourth << 1) | (z[2] & every_fourth << 2) |
           (z[3] & every_fourth << 3);
}

/* Masks the sum of products, and reduces it mod the polynomial. */
static void reduce(const products *z, uint64_t *hi, uint64_t *lo)
{
    uint64_t low[3], high[3];
    for (int part = 0; part < 3; part++) {
        low[part] = drop_carries(z->straight[part]);
        high[part] = reverse_bits(drop_carries(z->reversed[part])) >> 1;
    }
    low[2] ^= low[0] ^ low[1];
    high[2] ^= high[0] ^ high[1];
    uint64_t v[4] = {low[0], high[0] ^ low[2], low[1] ^ high[2], high[1]};

    for (int i = 3; i > 0; i--)
        v[i] = v[i] << 1 | v[i - 1] >> 63;
    v[0] <<= 1;
    for (int i = 0; i < 2; i++) {
        v[i + 2] ^= v[i] ^ v[i] >> 1 ^ v[i] >> 2 ^ v[i] >> 7;
        v[i + 1] ^= v[i] << 63 ^ v[i] << 62 ^ v[i] << 57;
    }
    *hi = v[3];
    *lo = v[2];
}

static void multiply(uint64_t *hi, uint64_t *lo, const gf128_factor *f)
{
    products z;
    memset(&z, 0, sizeof z);
    accumulate_product(&z, *hi, *lo, f);
    reduce(&z, hi, lo);
}

void ghash_key_init(ghash_key *key, const uint8_t h[16])
{
    uint64_t hi = load_be64(h), lo = load_be64(h + 8);
    for (int i = 0; i < GHASH_POWERS; i++) {
        if (i > 0)
            multiply(&hi, &lo, &key->power[0]);
        factor_init(&key->power[i], hi, lo);
    }
}

/* y = (y + x_1) * H^n + x_2 * H^(n-1) + ... + x_n * H for n <= GHASH_POWERS blocks. */
static inline void update_blocks(const ghash_key *key, uint64_t *hi, uint64_t *lo,
                                 const uint8_t *data, int n)
{
    products z;
    memset(&z, 0, sizeof z);
    for (int i = 0; i < n; i++) {
        uint64_t x_hi = load_be64(data + 16 * i), x_lo = load_be64(data + 16 * i + 8);
        if (i == 0) {
            x_hi ^= *hi;
            x_lo ^= *lo;
        }
        accumulate_product(&z, x_hi, x_lo, &key->power[n - 1 - i]);
    }
    reduce(&z, hi, lo);
}

void ghash_update(const ghash_key *key, uint8_t y[16], const uint8_t *data, size_t len)
{
    uint64_t hi = load_be64(y), lo = load_be64(y + 8);
    for (; len >= 16 * GHASH_POWERS; data += 16 * GHASH_POWERS, len -= 16 * GHASH_POWERS)
        update_blocks(key, &hi, &lo, data, GHASH_POWERS);
    if (len >= 16) {
        const size_t n = len / 16;
        update_blocks(key, &hi, &lo, data, (int)n);
        data += 16 * n;
        len -= 16 * n;
    }
    if (len > 0) {
        uint8_t padded[16] = {0};
        memcpy(padded, data, len);
        update_blocks(key, &hi, &lo, padded, 1);
        sodium_memzero(padded, sizeof padded);
    }
    store_be64(y, hi);
    store_be64(y + 8, lo);
}

void gf128_multiply(uint8_t y[16], const uint8_t x[16])
{
    uint64_t hi = load_be64(y), lo = load_be64(y + 8);
    gf128_factor f;
    factor_init(&f, load_be64(x), load_be64(x + 8));
    multiply(&hi, &lo, &f);
    store_be64(y, hi);
    store_be64(y + 8, lo);
    sodium_memzero(&f, sizeof f);
}

void gf128_power_by(void (*by)(uint8_t y[16], const uint8_t x[16]), uint8_t power[16],
                    const uint8_t h[16], uint64_t n)
{
    uint8_t square[16];
    memcpy(square, h, 16);
    memset(power, 0, 16);
    power[0] = 0x80; /* 1, in GHASH's bit order */
    for (; n > 0; n >>= 1) {
        if (n & 1)
            by(power, square);
        by(square, square);
    }
    sodium_memzero(square, sizeof square);
}

void gf128_power(uint8_t power[16], const uint8_t h[16], uint64_t n)
{
    gf128_power_by(gf128_multiply, power, h, n);
}
