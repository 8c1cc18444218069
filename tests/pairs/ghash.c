/* GHASH of every implementation, against one multiplication in the field for each block, by the
 * portable code's gf128. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fallback/portable/ghash_holes.h"
#include "gcm_set.h"
#include "guard.h"
#include "impls.h"
#include "rng.h"

enum { LEN_MAX = 8192 + 17 };

typedef struct {
    gcm_set impls;
    guard_buf data;
    rng r;
} bench;

static void hash(uint8_t y[16], const uint8_t h[16], const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i += 16) {
        for (size_t k = 0; k < 16 && i + k < len; k++)
            y[k] ^= data[i + k];
        gf128_multiply(y, h);
    }
}

/* The hash continues from any y, on data at any address, which ends where nothing may be read, or
 * begins there. */
static void check(bench *t, size_t len)
{
    uint8_t h[16], start[16], want[16];
    const guard_side side = (guard_side)rng_below(&t->r, GUARD_SIDES);
    uint8_t *data = guard_place(&t->data, side, len, side == GUARD_BEFORE ? len % 16 : 0);
    rng_fill(&t->r, data, len);
    guard_readonly(&t->data);
    rng_fill(&t->r, start, sizeof start);
    gcm_portable.hash_key(t->impls.key[0], h);
    memcpy(want, start, sizeof want);
    hash(want, h, data, len);
    for (size_t i = 0; i < t->impls.n; i++) {
        uint8_t y[16];
        memcpy(y, start, sizeof y);
        t->impls.impl[i]->ghash(t->impls.key[i], y, data, len);
        check_bytes(y, want, sizeof y, t->impls.impl[i]->name, __FILE__, __LINE__);
    }
}

static void bench_open(bench *t, const char *name)
{
    t->r = rng_for(name);
    guard_open(&t->data, LEN_MAX);
}

static void keys_open(bench *t)
{
    uint8_t bytes[32];
    rng_fill(&t->r, bytes, sizeof bytes);
    gcm_set_open(&t->impls, bytes, rng_below(&t->r, 2) != 0 ? 16 : 32);
}

static void every_length(void **state)
{
    (void)state;
    bench t;
    bench_open(&t, "every length");
    keys_open(&t);
    for (size_t len = 0; len <= 2000; len += repeat_step(3))
        check(&t, len);
    for (size_t len = 8192 - 17; len <= LEN_MAX; len++)
        check(&t, len);
    gcm_set_close(&t.impls);
    guard_close(&t.data);
}

static void many_keys(void **state)
{
    (void)state;
    bench t;
    bench_open(&t, "many keys");
    for (int i = 0; i < 1200; i++) {
        if (i % 4 == 0)
            keys_open(&t);
        check(&t, rng_below(&t.r, 1100));
        if (i % 4 == 3)
            gcm_set_close(&t.impls);
    }
    guard_close(&t.data);
}

/* Any two elements, and those whose products are easy to get wrong: 0, 1, x^127. */
static void products(void **state)
{
    (void)state;
    bench t;
    bench_open(&t, "products");
    keys_open(&t);
    static const uint8_t special[][16] = {{0}, {0x80}, {[15] = 1}, {[7] = 1}, {[8] = 0x80}};
    for (uint64_t i = 0; i < 2000; i++) {
        uint8_t x[16], start[16], want[16];
        rng_fill(&t.r, x, sizeof x);
        rng_fill(&t.r, start, sizeof start);
        if (i < 25) {
            memcpy(x, special[i / 5], sizeof x);
            memcpy(start, special[i % 5], sizeof start);
        }
        memcpy(want, start, sizeof want);
        gf128_multiply(want, x);
        for (size_t k = 0; k < t.impls.n; k++) {
            uint8_t y[16];
            memcpy(y, start, sizeof y);
            t.impls.impl[k]->multiply(y, x);
            check_bytes(y, want, sizeof y, t.impls.impl[k]->name, __FILE__, __LINE__);
        }
    }
    gcm_set_close(&t.impls);
    guard_close(&t.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_length),
        cmocka_unit_test(many_keys),
        cmocka_unit_test(products),
    };
    return RUN_SUITE("ghash", tests);
}
