/* Whole messages on the internal interface, where one is hashed while another is encrypted: every
 * ordered pair of lengths next to each other, and long lists; streamed stores or not. */
#include <stdlib.h>
#include <string.h>

#include "any_reference.h"
#include "check.h"
#include "gcm_set.h"
#include "impls.h"
#include "rng.h"

static const size_t lengths[] = {0,    1,    15,   16,   17,   63,   64,   65,   127,
                                 128,  129,  255,  256,  257,  511,  512,  513,  1023,
                                 1024, 1025, 2047, 4096, 8191, 8192, 8193, 8705, 16385};

enum { LENGTHS = COUNT_OF(lengths), VARIANTS = 2, LEN_MAX = 16385, AAD_MAX = 40, ITEMS_MAX = 40 };

/* A message and what it is sealed to. Variant 1 has another key, nonce and aad. */
typedef struct {
    size_t len, aad_len;
    uint8_t nonce[12], aad[AAD_MAX], tag[16];
    uint8_t *plain, *cipher;
} message;

typedef struct {
    message table[LENGTHS][VARIANTS];
    gcm_set impls[VARIANTS];
    uint8_t *out[ITEMS_MAX];
    rng r;
} bench;

static uint8_t *bytes_new(size_t n)
{
    uint8_t *p = malloc(n + 1);
    assert_non_null(p);
    return p;
}

static void message_open(bench *t, message *m, size_t len, int32_t alg, const uint8_t *key)
{
    m->len = len;
    m->aad_len = rng_below(&t->r, 2) == 0 ? 0 : rng_below(&t->r, AAD_MAX + 1);
    m->plain = bytes_new(len);
    m->cipher = bytes_new(len);
    rng_fill(&t->r, m->nonce, sizeof m->nonce);
    rng_fill(&t->r, m->aad, sizeof m->aad);
    rng_fill(&t->r, m->plain, len);
    any_reference(alg)->seal(alg, key, m->nonce, m->aad, m->aad_len, m->plain, len, m->cipher,
                             m->tag);
}

static void bench_open(bench *t, int32_t alg)
{
    const size_t key_len = alg == PARSEAL_AES128GCM ? 16 : 32;
    uint8_t keys[VARIANTS][32];
    t->r = rng_for("items");
    rng_fill(&t->r, keys, sizeof keys);
    for (size_t v = 0; v < VARIANTS; v++) {
        for (size_t i = 0; i < LENGTHS; i++)
            message_open(t, &t->table[i][v], lengths[i], alg, keys[v]);
        gcm_set_open(&t->impls[v], keys[v], key_len);
    }
    for (size_t i = 0; i < ITEMS_MAX; i++)
        t->out[i] = bytes_new(LEN_MAX + 64);
}

static void bench_close(bench *t)
{
    for (size_t v = 0; v < VARIANTS; v++) {
        for (size_t i = 0; i < LENGTHS; i++) {
            free(t->table[i][v].plain);
            free(t->table[i][v].cipher);
        }
        gcm_set_close(&t->impls[v]);
    }
    for (size_t i = 0; i < ITEMS_MAX; i++)
        free(t->out[i]);
}

/* Which messages stand in a list; `bad` is the place of one whose tag is wrong when it is opened,
 * or n. */
typedef struct {
    size_t n, bad;
    size_t row[ITEMS_MAX], variant[ITEMS_MAX];
} order;

static const message *at(const bench *t, const order *o, size_t i)
{
    return &t->table[o->row[i]][o->variant[i]];
}

static void check_list(bench *t, const order *o, size_t impl, bool open, bool stream, bool in_place)
{
    cpu_item items[ITEMS_MAX];
    uint8_t tags[ITEMS_MAX][16];
    int32_t verdicts[ITEMS_MAX];
    const size_t shift = rng_below(&t->r, 2) == 0 ? 16 * rng_below(&t->r, 4) : rng_below(&t->r, 64);
    for (size_t i = 0; i < o->n; i++) {
        const message *m = at(t, o, i);
        const uint8_t *in = open ? m->cipher : m->plain;
        uint8_t *out = t->out[i] + shift;
        if (in_place)
            memcpy(out, in, m->len);
        memcpy(tags[i], m->tag, 16);
        tags[i][i % 16] ^= open && i == o->bad ? 0x80 : 0;
        items[i] = (cpu_item){in_place ? out : in,
                              out,
                              m->len,
                              m->aad,
                              m->aad_len,
                              m->nonce,
                              tags[i],
                              &verdicts[i],
                              t->impls[o->variant[i]].key[impl],
                              stream};
    }
    const gcm_impl *with = t->impls[0].impl[impl];
    (open ? with->aead.open_items : with->aead.seal_items)(items, o->n);
    for (size_t i = 0; i < o->n; i++) {
        const message *m = at(t, o, i);
        const bool bad = open && i == o->bad;
        assert_int_equal(verdicts[i], bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
        if (bad)
            assert_filled(items[i].out, m->len, 0);
        else
            assert_bytes(items[i].out, open ? m->plain : m->cipher, m->len);
        if (!open)
            assert_bytes(tags[i], m->tag, 16);
    }
}

static void check(bench *t, const order *o)
{
    for (size_t impl = 0; impl < t->impls[0].n; impl++) {
        const bool stream = rng_below(&t->r, 2) != 0, in_place = rng_below(&t->r, 2) != 0;
        check_list(t, o, impl, false, stream, in_place);
        check_list(t, o, impl, true, !stream, in_place);
    }
}

static void neighbours(bench *t)
{
    const size_t step = repeat_step(2);
    for (size_t a = 0; a < LENGTHS; a++)
        for (size_t b = a % step; b < LENGTHS; b += step) {
            const order o = {3, (a + b) % 4, {a, b, (a + b) / 2}, {a % 2, 1, 0}};
            check(t, &o);
        }
}

static void long_lists(bench *t)
{
    for (size_t i = 0; i < 200; i += repeat_step(4)) {
        order o = {.n = 1 + i % ITEMS_MAX};
        o.bad = rng_below(&t->r, o.n + 1);
        for (size_t k = 0; k < o.n; k++) {
            o.row[k] = rng_below(&t->r, LENGTHS);
            o.variant[k] = rng_below(&t->r, VARIANTS);
        }
        check(t, &o);
    }
}

static void run(int32_t alg)
{
    static bench t;
    bench_open(&t, alg);
    neighbours(&t);
    long_lists(&t);
    bench_close(&t);
}

static void aes128gcm(void **state)
{
    (void)state;
    run(PARSEAL_AES128GCM);
}

static void aes256gcm(void **state)
{
    (void)state;
    run(PARSEAL_AES256GCM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes128gcm),
        cmocka_unit_test(aes256gcm),
    };
    return RUN_SUITE("neighbours in a batch", tests);
}
