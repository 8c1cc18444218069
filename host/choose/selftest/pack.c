/* Packing, sums of packed vectors, and updates that are opened and added: known answers, and the
 * work that crossover measures. */
#include "host/choose/selftest/primitives.h"

#include <stdlib.h>
#include <string.h>

#include "host/choose/selftest/tester.h"
#include "host/choose/selftest/vectors.h"

/* Adds the packed vector twice to its own elements: they must become three times themselves mod
 * 2^bits. */
static bool packed_sum_is_right(const tester *t, const pack_answer *a, uint64_t *elements,
                                const parseal_buf *packed)
{
    uint64_t thrice[PACK_COUNT] = {0};
    const parseal_ring ring = {a->bits < 64 ? UINT64_C(1) << a->bits : 0, a->element_size, 0};
    const parseal_vec acc = parseal_host_vec(thrice, PACK_COUNT, a->element_size);
    const parseal_buf inputs[2] = {*packed, *packed};
    memcpy(thrice, elements, (size_t)acc.buf.size);
    const parseal_status status =
        t->backend->vector->packed_sum(t->device, a->bits, &ring, &acc, inputs, 2, NULL);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    for (size_t i = 0; i < PACK_COUNT; i++)
        if (tester_element(thrice, i, a->element_size) !=
            ((3 * tester_element(elements, i, a->element_size)) & UINT64_MAX >> (64 - a->bits)))
            return tester_wrong(t, "sum of packed vectors (bits, element size)", a->bits,
                                a->element_size);
    return true;
}

static bool pack_is_right(const tester *t, const pack_answer *a)
{
    uint64_t elements[PACK_COUNT] = {0}, unpacked[PACK_COUNT] = {0};
    uint8_t packed[8 * PACK_COUNT] = {0};
    const parseal_vec in = parseal_host_vec(elements, PACK_COUNT, a->element_size);
    const parseal_vec out = parseal_host_vec(unpacked, PACK_COUNT, a->element_size);
    const parseal_buf buf = parseal_host_buf(packed, (PACK_COUNT * (uint64_t)a->bits + 7) / 8);
    tester_pattern(elements, (size_t)in.buf.size, 60);
    parseal_status status =
        t->backend->vector->pack(t->device, a->bits, a->element_size, &in, &buf, false, NULL);
    if (status == PARSEAL_OK)
        status =
            t->backend->vector->pack(t->device, a->bits, a->element_size, &out, &buf, true, NULL);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    if (!tester_digest_is(a->digest, packed, (size_t)buf.size))
        return tester_wrong(t, "pack (bits, element size)", a->bits, a->element_size);
    for (size_t i = 0; i < PACK_COUNT; i++)
        if (tester_element(unpacked, i, a->element_size) !=
            (tester_element(elements, i, a->element_size) & UINT64_MAX >> (64 - a->bits)))
            return tester_wrong(t, "unpack (bits, element size)", a->bits, a->element_size);
    return packed_sum_is_right(t, a, unpacked, &buf);
}

/* ------------------------------------------------------------------------- opened and added -- */

enum { UPDATES = 3, SPOILED = 1, UPDATE_KEY = 33 };

/* Updates of packed elements, and the sink for their sum. */
typedef struct {
    parseal_sink sink;
    size_t n, size; /* number of updates, and bytes of each */
    uint8_t *plain, *sealed;
    parseal_msg msgs[UPDATES];
} updates;

static bool seal_updates(const tester *t, const backend_keys *keys, updates *u)
{
    for (size_t i = 0; i < u->n; i++) {
        parseal_msg *m = &u->msgs[i];
        *m = (parseal_msg){
            .in = u->plain + i * u->size, .out = u->sealed + i * u->size, .len = u->size};
        tester_pattern(u->plain + i * u->size, u->size, 70 + i);
        tester_pattern(m->nonce, PARSEAL_AES256GCM_NONCEBYTES, 80 + i);
    }
    const parseal_status status = t->backend->aead->run(t->device, keys, u->msgs, u->n, false);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    for (size_t i = 0; i < u->n; i++) {
        u->msgs[i].in = u->msgs[i].out;
        u->msgs[i].status = PARSEAL_ITEM_UNSET;
    }
    if (u->n > SPOILED)
        u->msgs[SPOILED].tag[0] ^= 1;
    return true;
}

/* Returns element i of an update. */
static uint64_t packed_element(const uint8_t *p, uint32_t bits, size_t i)
{
    uint64_t x = 0;
    for (uint32_t b = 0; b < bits; b++) {
        const size_t at = i * bits + b;
        x |= (uint64_t)(p[at / 8] >> at % 8 & 1) << b;
    }
    return x;
}

static bool sum_of_updates_is_right(const updates *u, const uint64_t *got)
{
    const uint64_t m = u->sink.ring->modulus;
    for (size_t k = 0; k < u->sink.acc->n; k++) {
        uint64_t want = 0; /* The sum fits, unless it is to be taken mod 2^64 anyway. */
        for (size_t i = 0; i < u->n; i++)
            if (i != SPOILED)
                want += packed_element(u->plain + i * u->size, u->sink.bits, k);
        if (tester_element(got, k, u->sink.ring->element_size) != (m == 0 ? want : want % m))
            return false;
    }
    return true;
}

/* Adds the updates to zeros. The sink asks for the kernels that add long updates. */
static bool accumulate_is_right(const tester *t, const backend_keys *keys, updates *u)
{
    parseal_vec acc = {{0}, u->sink.acc->n};
    const size_t size = (size_t)acc.n * u->sink.ring->element_size;
    bool changed = false, right = false;
    uint64_t *got = calloc((size_t)acc.n, sizeof *got);
    parseal_status status = PARSEAL_OK;
    if (got == NULL)
        status = parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory");
    if (status == PARSEAL_OK)
        status = t->backend->memory->create(t->device, size, &acc.buf);
    if (status == PARSEAL_OK) {
        u->sink.acc = &acc;
        status = t->backend->aead->accumulate(t->device, keys, u->msgs, u->n, &u->sink, &changed);
        if (status == PARSEAL_OK)
            status = t->backend->memory->read(t->device, &acc.buf, got);
        right = status == PARSEAL_OK && sum_of_updates_is_right(u, got);
        t->backend->memory->destroy(t->device, &acc.buf);
    }
    for (size_t i = 0; right && i < u->n; i++)
        right = u->msgs[i].status == (i == SPOILED ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
    free(got);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    return right || tester_wrong(t, "sum of sealed updates (bits, element size)", u->sink.bits,
                                 u->sink.ring->element_size);
}

static bool updates_are_added(const tester *t, const parseal_ring *ring, uint32_t bits, uint64_t n,
                              size_t n_updates)
{
    const parseal_vec acc = {{0}, n};
    updates u = {
        {ring, bits, &acc, true}, n_updates, (size_t)(n * bits + 7) / 8, NULL, NULL, {{0}}};
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    backend_keys *keys;
    bool right = false;
    tester_pattern(key, sizeof key, UPDATE_KEY);
    u.plain = calloc(2 * n_updates, u.size);
    if (u.plain == NULL)
        return tester_failed(t, parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory"));
    u.sealed = u.plain + n_updates * u.size;
    const parseal_status status = t->backend->aead->keys_create(
        t->device, &keys, algorithm_find(PARSEAL_AES256GCM), key, 1, false);
    if (status == PARSEAL_OK) {
        right = seal_updates(t, keys, &u) && accumulate_is_right(t, keys, &u);
        t->backend->aead->keys_destroy(t->device, keys);
    } else {
        (void)tester_failed(t, status);
    }
    free(u.plain);
    return right;
}

/* The updates have more than one tile of CUDA's kernels. Elements of 13 bits lie across blocks,
 * those of 32 and 64 bits do not. */
static bool test_accumulate(const tester *t)
{
    static const parseal_ring prime = {1000003, 4, 0}, whole32 = {UINT64_C(1) << 32, 4, 0},
                              whole64 = {0, 8, 0};
    return updates_are_added(t, &prime, 13, 2999, UPDATES) &&
           updates_are_added(t, &whole32, 32, 270, SPOILED) &&
           updates_are_added(t, &whole64, 64, 130, SPOILED);
}

bool selftest_pack(const tester *t)
{
    for (size_t i = 0; i < LENGTH(pack_answers); i++)
        if (!pack_is_right(t, &pack_answers[i]))
            return false;
    return test_accumulate(t);
}

parseal_status work_pack(const parseal_side *side, const work_material *m, size_t size)
{
    const parseal_vec elements = parseal_host_vec(m->from, size / 4, 4);
    const parseal_buf packed = parseal_host_buf(m->to, size / 2);
    return side->backend->vector->pack(side->device, 16, 4, &elements, &packed, false, NULL);
}
