/* What a backend with graphs counts on the device: the nonces of a plan, and the numbers of sets of
 * seeds. Each is used until nothing is left, against the same work under the numbers that are due,
 * whose answers are known. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/choose/selftest/primitives.h"
#include "host/choose/selftest/tester.h"
#include "parseal/fcp.h"

enum { RUNS = 2 };

/* In these steps there are RUNS numbers, and the carry reaches the upper half. */
static const uint64_t first_number = 0xffffffffu, step = UINT64_C(1) << 63;

static uint64_t number_of(uint64_t run)
{
    return first_number + run * step;
}

static void put_be64(uint8_t *to, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(x >> (56 - 8 * i));
}

/* ------------------------------------------------------------------------------------ nonces -- */

enum { MESSAGES = 3, LEN = 40, NONCE = PARSEAL_AES256GCM_NONCEBYTES };

typedef struct {
    uint8_t in[MESSAGES * LEN], out[MESSAGES * LEN], nonce[MESSAGES][NONCE];
    uint8_t tag[MESSAGES][PARSEAL_TAGBYTES];
    int32_t verdict[MESSAGES];
} sealed;

static const uint64_t lengths[MESSAGES] = {LEN, 0, 17},
                      offsets[MESSAGES] = {0, LEN, UINT64_C(2) * LEN};
static const uint64_t no_aad[MESSAGES] = {0};
static const uint32_t key_of[MESSAGES] = {0, 1, 1};

static void nonces_of(uint64_t run, uint8_t nonce[MESSAGES][NONCE])
{
    for (size_t i = 0; i < MESSAGES; i++) {
        tester_pattern(nonce[i], NONCE, 5);
        put_be64(nonce[i] + NONCE - 8, number_of(run) + i);
    }
}

/* What a run leaves: the messages under its nonces, or nothing. */
static parseal_status expect(const tester *t, const backend_keys *keys, uint64_t run, sealed *want)
{
    parseal_msg msgs[MESSAGES];
    memset(want, 0, sizeof *want);
    for (size_t i = 0; i < MESSAGES; i++)
        want->verdict[i] = run < RUNS ? PARSEAL_ITEM_OK : PARSEAL_ITEM_NO_NONCE;
    tester_pattern(want->in, sizeof want->in, (size_t)run);
    if (run >= RUNS)
        return PARSEAL_OK;
    nonces_of(run, want->nonce);
    for (size_t i = 0; i < MESSAGES; i++) {
        msgs[i] = (parseal_msg){.in = want->in + offsets[i],
                                .out = want->out + offsets[i],
                                .len = (size_t)lengths[i],
                                .key = key_of[i]};
        memcpy(msgs[i].nonce, want->nonce[i], NONCE);
    }
    const parseal_status status = t->backend->aead->run(t->device, keys, msgs, MESSAGES, false);
    for (size_t i = 0; i < MESSAGES; i++)
        memcpy(want->tag[i], msgs[i].tag, PARSEAL_TAGBYTES);
    return status;
}

static parseal_status seal(const tester *t, const backend_plan *plan, sealed *s, void *workspace)
{
    const uint64_t size = t->backend->plan->workspace_size(plan);
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = parseal_host_buf(s->in, sizeof s->in);
    io.out = parseal_host_buf(s->out, sizeof s->out);
    io.nonce = parseal_host_buf(s->nonce, sizeof s->nonce);
    io.tag = parseal_host_buf(s->tag, sizeof s->tag);
    io.verdict = parseal_host_buf(s->verdict, sizeof s->verdict);
    io.workspace = parseal_host_buf(workspace, size);
    return t->backend->plan->run(t->device, plan, &io, false, NULL);
}

static bool plan_counts(const tester *t, const backend_keys *keys, const backend_plan *plan)
{
    void *workspace = calloc(1, (size_t)t->backend->plan->workspace_size(plan));
    parseal_status status = workspace != NULL
                                ? PARSEAL_OK
                                : parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory");
    bool right = true;
    for (uint64_t run = 0; right && status == PARSEAL_OK && run < RUNS + 2; run++) {
        sealed want, got;
        status = expect(t, keys, run, &want);
        memset(&got, 0, sizeof got);
        memcpy(got.in, want.in, sizeof got.in);
        if (status == PARSEAL_OK)
            status = seal(t, plan, &got, workspace);
        if (status == PARSEAL_OK && memcmp(&got, &want, sizeof got) != 0)
            right = tester_wrong(t, "a plan that counts (run, messages)", run, MESSAGES);
    }
    free(workspace);
    return status == PARSEAL_OK ? right : tester_failed(t, status);
}

bool tester_nonces_count(const tester *t)
{
    uint8_t bytes[2 * PARSEAL_AES256GCM_KEYBYTES], nonces[MESSAGES][NONCE];
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    backend_keys *keys;
    backend_plan *plan;
    if (!t->backend->has_graphs)
        return true;
    nonces_of(0, nonces);
    shape.n = MESSAGES;
    shape.len = lengths;
    shape.in_offset = shape.out_offset = offsets;
    shape.aad_len = shape.aad_offset = no_aad;
    shape.key = key_of;
    shape.nonce = nonces[0];
    shape.nonce_step = step;
    tester_pattern(bytes, sizeof bytes, 1);
    parseal_status status = t->backend->aead->keys_create(
        t->device, &keys, algorithm_find(PARSEAL_AES256GCM), bytes, 2, false);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    status = t->backend->plan->create(t->device, &plan, keys, &shape);
    const bool right = status == PARSEAL_OK ? plan_counts(t, keys, plan) : tester_failed(t, status);
    if (status == PARSEAL_OK)
        t->backend->plan->destroy(t->device, plan);
    t->backend->aead->keys_destroy(t->device, keys);
    return right;
}

/* ------------------------------------------------------------------------------------- seeds -- */

enum { ELEMENTS = 75, FIRST = 3, SEEDS = 3 };

static const parseal_ring ring = {UINT64_C(1) << 20, 4, 0};

/* A set that counts and where its masks and its number are, or that is of fcp. */
typedef struct {
    const tester *t;
    backend_seeds *seeds;
    backend_fcp *fcp;
    parseal_buf acc, number;
} counted;

static parseal_status write_mask(const counted *c, const backend_seeds *seeds,
                                 const backend_fcp *fcp, const parseal_buf *to)
{
    const parseal_vec out = {*to, ELEMENTS};
    const mask_family *mask = c->t->backend->mask;
    return fcp != NULL ? mask->fcp_apply(c->t->device, fcp, &ring, &out, FIRST, true, NULL)
                       : mask->apply(c->t->device, seeds, &ring, &out, FIRST, true, NULL);
}

static void fill_seeds(parseal_seed list[SEEDS], uint64_t number)
{
    tester_fill_seeds(list);
    for (size_t j = 0; j < SEEDS; j++)
        for (int i = 0; i < 8; i++)
            list[j].stream_id[i] = (uint8_t)(number >> 8 * i);
}

/* BE32 of the bits, the key, 0x02 and then the tail; a tail of one block's end and another one. */
enum { BITS = 20, TAIL = 60, NUMBER_AT = 21 };

static const int32_t signs[SEEDS] = {1, -1, 1};

static void fill_tail(uint8_t tail[TAIL], uint64_t number)
{
    tester_pattern(tail, TAIL, 6);
    put_be64(tail + NUMBER_AT, number);
}

static void fcp_keys(uint8_t raw[SEEDS][32], parseal_fcp_key keys[SEEDS])
{
    for (size_t j = 0; j < SEEDS; j++) {
        tester_pattern(raw[j], 32, 3 + 2 * j);
        keys[j] = (parseal_fcp_key){raw[j], j == 1 ? 17 : 32, signs[j]};
    }
}

static parseal_status fcp_of(const tester *t, uint64_t number, backend_fcp **fcp)
{
    uint8_t raw[SEEDS][32], derived[SEEDS][32], message[4 + 32 + TAIL] = {0, 0, 0, BITS};
    parseal_fcp_key keys[SEEDS];
    fcp_keys(raw, keys);
    for (size_t j = 0; j < SEEDS; j++) {
        memcpy(message + 4, raw[j], keys[j].len);
        fill_tail(message + 4 + keys[j].len, number);
        (void)crypto_hash_sha256(derived[j], message, 4 + keys[j].len + TAIL);
    }
    return t->backend->mask->fcp_create(t->device, fcp, ring.modulus, derived[0], signs, SEEDS);
}

/* The masks of this number on the host, from a set that does not count; or zeros. */
static parseal_status expect_mask(const counted *c, uint64_t run, uint32_t want[ELEMENTS])
{
    const parseal_buf to = parseal_host_buf(want, ELEMENTS * sizeof *want);
    const mask_family *mask = c->t->backend->mask;
    parseal_seed list[SEEDS];
    backend_seeds *seeds = NULL;
    backend_fcp *fcp = NULL;
    memset(want, 0, ELEMENTS * sizeof *want);
    if (run >= RUNS)
        return PARSEAL_OK;
    fill_seeds(list, number_of(run));
    TRY(c->fcp != NULL ? fcp_of(c->t, number_of(run), &fcp)
                       : mask->seeds_create(c->t->device, &seeds, list, SEEDS));
    const parseal_status status = write_mask(c, seeds, fcp, &to);
    if (fcp != NULL)
        mask->fcp_destroy(c->t->device, fcp);
    else
        mask->seeds_destroy(c->t->device, seeds);
    return status;
}

static bool set_counts(const counted *c)
{
    const memory_family *memory = c->t->backend->memory;
    for (uint64_t run = 0; run < RUNS + 2; run++) {
        uint32_t want[ELEMENTS], got[ELEMENTS] = {1};
        uint64_t number = 0;
        parseal_status status = expect_mask(c, run, want);
        if (status == PARSEAL_OK)
            status = write_mask(c, c->seeds, c->fcp, &c->acc);
        if (status == PARSEAL_OK)
            status = memory->read(c->t->device, &c->acc, got);
        if (status == PARSEAL_OK)
            status = memory->read(c->t->device, &c->number, &number);
        if (status != PARSEAL_OK)
            return tester_failed(c->t, status);
        if (memcmp(got, want, sizeof want) != 0 ||
            number != (run < RUNS ? number_of(run) : PARSEAL_STREAM_NONE))
            return tester_wrong(c->t, "masks that count (run, of fcp)", run, c->fcp != NULL);
    }
    return true;
}

static parseal_status make_set(counted *c, bool of_fcp)
{
    const seeds_counting counting = {first_number, step, RUNS, c->number};
    const mask_family *mask = c->t->backend->mask;
    parseal_seed list[SEEDS];
    uint8_t raw[SEEDS][32], tail[TAIL];
    parseal_fcp_key keys[SEEDS];
    if (!of_fcp) {
        fill_seeds(list, first_number);
        TRY(mask->seeds_create(c->t->device, &c->seeds, list, SEEDS));
        return mask->seeds_count(c->t->device, c->seeds, &counting);
    }
    fcp_keys(raw, keys);
    fill_tail(tail, first_number);
    const fcp_counting fcp = {keys, BITS, tail, TAIL, NUMBER_AT, counting};
    TRY(fcp_of(c->t, first_number, &c->fcp));
    return mask->fcp_count(c->t->device, c->fcp, &fcp);
}

bool tester_numbers_count(const tester *t, bool of_fcp)
{
    counted c = {.t = t};
    if (!t->backend->has_graphs)
        return true;
    parseal_status status =
        t->backend->memory->create(t->device, ELEMENTS * sizeof(uint32_t), &c.acc);
    if (status == PARSEAL_OK)
        status = t->backend->memory->create(t->device, sizeof(uint64_t), &c.number);
    if (status == PARSEAL_OK)
        status = make_set(&c, of_fcp);
    const bool right = status == PARSEAL_OK ? set_counts(&c) : tester_failed(t, status);
    if (c.seeds != NULL)
        t->backend->mask->seeds_destroy(t->device, c.seeds);
    if (c.fcp != NULL)
        t->backend->mask->fcp_destroy(t->device, c.fcp);
    if (c.number.kind != PARSEAL_BUF_NONE)
        t->backend->memory->destroy(t->device, &c.number);
    if (c.acc.kind != PARSEAL_BUF_NONE)
        t->backend->memory->destroy(t->device, &c.acc);
    return right;
}
