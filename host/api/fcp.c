/* Masks of parseal/fcp.h: their keys. */
#include "parseal/fcp.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/api/counting.h"
#include "host/backend/call.h"
#include "host/backend/objects.h"
#include "host/support/check.h"
#include "host/support/counting.h"
#include "host/support/error.h"
#include "host/support/sizes.h"
#include "host/support/wipe.h"

static parseal_status check_bytes(const char *name, const void *p, size_t len)
{
    return p != NULL || len == 0
               ? PARSEAL_OK
               : parseal_fail(PARSEAL_ERR_ARG, "%s: NULL, but its length is %zu", name, len);
}

static parseal_status check_mask(const parseal_fcp_mask *mask)
{
    if (mask->modulus < 2 || mask->modulus > PARSEAL_FCP_MODULUS_MAX)
        return parseal_fail(PARSEAL_ERR_ARG, "mask.modulus: %" PRIu64 ", 2 to 2^62 expected",
                            mask->modulus);
    if (mask->n > PARSEAL_FCP_LENGTH_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "mask.n: %" PRIu64 " elements, at most 2^31 - 1 expected", mask->n);
    TRY(check_bytes("mask.session_id", mask->session_id, mask->session_id_len));
    TRY(check_bytes("mask.name", mask->name, mask->name_len));
    /* HKDF's info has 8 bytes more than both, and its length must fit into 4 bytes. */
    if (mask->session_id_len > UINT32_MAX - 8 ||
        mask->name_len > UINT32_MAX - 8 - mask->session_id_len)
        return parseal_fail(
            PARSEAL_ERR_SIZE,
            "mask.name_len: %zu + session_id_len %zu bytes, below 2^32 - 8 expected",
            mask->name_len, mask->session_id_len);
    return PARSEAL_OK;
}

static parseal_status check_key(const parseal_fcp_key *key, size_t i)
{
    if (key->len != PARSEAL_FCP_KEYBYTES && (key->len < 1 || key->len > PARSEAL_FCP_KEYBYTES_OLD))
        return parseal_fail(PARSEAL_ERR_ARG,
                            "keys[%zu].len: %zu bytes, 32 expected (or 1 to 17, an old client's)",
                            i, key->len);
    if (key->key == NULL)
        return parseal_fail(PARSEAL_ERR_ARG, "keys[%zu].key: NULL", i);
    if (key->sign != 1 && key->sign != -1)
        return parseal_fail(PARSEAL_ERR_ARG, "keys[%zu].sign: %" PRId32 ", +1 or -1 expected", i,
                            key->sign);
    return PARSEAL_OK;
}

/* ------------------------------------------------------------------------------- derivation -- */

static void store_be32(uint8_t to[4], uint32_t x)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(x >> (24 - 8 * i));
}

static void hash(crypto_hash_sha256_state *state, const void *p, size_t len)
{
    if (len > 0)
        (void)crypto_hash_sha256_update(state, p, len);
}

static void hash_be32(crypto_hash_sha256_state *state, uint32_t x)
{
    uint8_t bytes[4];
    store_be32(bytes, x);
    hash(state, bytes, sizeof bytes);
}

enum { PURPOSE = 0x02 };

static uint32_t bit_length(uint64_t x)
{
    uint32_t bits = 0;
    for (; x != 0; x >>= 1)
        bits++;
    return bits;
}

/* check_mask has seen that it fits. */
static uint32_t info_size(const parseal_fcp_mask *mask)
{
    return (uint32_t)(mask->session_id_len + 8 + mask->name_len);
}

/* Does steps 1 and 2 of the format. */
static void derive(const parseal_fcp_mask *mask, const parseal_fcp_key *key,
                   uint8_t aes_key[crypto_hash_sha256_BYTES])
{
    static const uint8_t purpose = PURPOSE;
    crypto_hash_sha256_state state;
    const uint32_t bits = bit_length(mask->modulus - 1);
    (void)crypto_hash_sha256_init(&state);
    hash_be32(&state, bits);
    hash(&state, key->key, key->len);
    hash(&state, &purpose, 1);
    hash_be32(&state, info_size(mask));
    hash(&state, mask->session_id, mask->session_id_len);
    hash_be32(&state, bits);
    hash_be32(&state, (uint32_t)mask->n);
    hash(&state, mask->name, mask->name_len);
    (void)crypto_hash_sha256_final(&state, aes_key);
    sodium_memzero(&state, sizeof state);
}

/* ------------------------------------------------------------------------------------- sets -- */

/* Creates the set on the context's device and on the CPU beside it. The CPU may be the only one
 * that has masks for the modulus. */
static parseal_status create_on(const parseal_ctx *ctx, parseal_seeds *set, const uint8_t *keys,
                                const int32_t *signs)
{
    const uint64_t modulus = set->fcp_modulus;
    const parseal_error before = parseal_error_save();
    const parseal_status status =
        CALL(ctx, mask->fcp_create, &set->fcp, modulus, keys, signs, set->n);
    const bool beside = ctx->cpu.backend != NULL;
    if (status != PARSEAL_OK && !(status == PARSEAL_ERR_UNSUPPORTED && beside))
        return status;
    if (!beside)
        return PARSEAL_OK;
    parseal_error_restore(&before);
    const parseal_status on_cpu =
        CALL(&ctx->cpu, mask->fcp_create, &set->cpu_fcp, modulus, keys, signs, set->n);
    if (on_cpu != PARSEAL_OK && status == PARSEAL_OK)
        LET_GO(ctx, mask->fcp_destroy, set->fcp);
    return on_cpu;
}

/* Creates a set that counts, which is on the context's device alone. */
static parseal_status create_counting_on(const parseal_ctx *ctx, parseal_seeds *set,
                                         const uint8_t *keys, const int32_t *signs,
                                         const fcp_counting *counting)
{
    TRY(CALL(ctx, mask->fcp_create, &set->fcp, set->fcp_modulus, keys, signs, set->n));
    const parseal_status status = CALL(ctx, mask->fcp_count, set->fcp, counting);
    if (status != PARSEAL_OK)
        LET_GO(ctx, mask->fcp_destroy, set->fcp);
    return status;
}

static parseal_status create(parseal_seeds *set, const parseal_ctx *ctx,
                             const parseal_fcp_mask *mask, const parseal_fcp_key *keys,
                             const fcp_counting *counting)
{
    const size_t n = set->n;
    int32_t *signs = calloc(n + 1, sizeof *signs);
    arena_lease lease;
    parseal_status status = PARSEAL_ERR_NO_MEMORY;
    if (arena_take(ctx->secrets, n + 1, crypto_hash_sha256_BYTES, false, &lease) && signs != NULL) {
        uint8_t *derived = lease.bytes;
        for (size_t i = 0; i < n; i++) {
            derive(mask, &keys[i], derived + crypto_hash_sha256_BYTES * i);
            signs[i] = keys[i].sign;
        }
        status = counting != NULL ? create_counting_on(ctx, set, derived, signs, counting)
                                  : create_on(ctx, set, derived, signs);
    } else {
        (void)parseal_fail(status, "seeds: out of memory for %zu keys", n);
    }
    arena_give(ctx->secrets, &lease);
    free(signs);
    wipe_stack();
    return status;
}

/* Checks a call's arguments and copies its struct. */
static parseal_status check_call(parseal_seeds **set, const parseal_ctx *ctx,
                                 parseal_fcp_mask *copy, const parseal_fcp_mask *mask,
                                 const parseal_fcp_key *keys, size_t n)
{
    TRY(check_pointer("set", set));
    TRY(check_pointer("ctx", ctx));
    TRY(copy_struct_in("mask", copy, mask, sizeof *copy, PARSEAL_FCP_MASK_SIZE_0));
    TRY(check_mask(copy));
    if (n > 0)
        TRY(check_pointer("keys", keys));
    if (n > INT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu keys, at most 2^31 - 1 expected", n);
    for (size_t i = 0; i < n; i++)
        TRY(check_key(&keys[i], i));
    return PARSEAL_OK;
}

/* `counting` is NULL for a set that does not count. */
static parseal_status make(parseal_seeds **set, parseal_ctx *ctx, const parseal_fcp_mask *mask,
                           const parseal_fcp_key *keys, size_t n, const fcp_counting *counting)
{
    parseal_seeds *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory");
    made->n = n;
    made->fcp_modulus = mask->modulus;
    made->fcp_length = mask->n;
    const parseal_status status = create(made, ctx, mask, keys, counting);
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    if (counting != NULL) {
        made->counts = true;
        made->number = counting->numbers.number;
    }
    made->ctx = parseal_ctx_retain(ctx);
    *set = made;
    return PARSEAL_OK;
}

parseal_status parseal_fcp_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
                                        const parseal_fcp_mask *mask, const parseal_fcp_key *keys,
                                        size_t n)
{
    parseal_fcp_mask m = PARSEAL_FCP_MASK_INIT;
    TRY(check_call(set, ctx, &m, mask, keys, n));
    return make(set, ctx, &m, keys, n, NULL);
}

/* ---------------------------------------------------------------------------------- counting -- */

static uint8_t *put(uint8_t *to, const void *p, size_t len)
{
    if (len > 0)
        memcpy(to, p, len);
    return to + len;
}

/* Writes what `derive` hashes after the key. */
static void write_tail(uint8_t *to, const parseal_fcp_mask *mask, uint32_t bits)
{
    *to++ = PURPOSE;
    store_be32(to, info_size(mask));
    to = put(to + 4, mask->session_id, mask->session_id_len);
    store_be32(to, bits);
    store_be32(to + 4, (uint32_t)mask->n);
    (void)put(to + 8, mask->name, mask->name_len);
}

parseal_status parseal_fcp_seeds_create_counting(parseal_seeds **set, parseal_ctx *ctx,
                                                 const parseal_fcp_mask *mask,
                                                 const parseal_fcp_key *keys, size_t n,
                                                 const parseal_counting *counting)
{
    parseal_fcp_mask m = PARSEAL_FCP_MASK_INIT;
    fcp_counting c = {.keys = keys};
    TRY(check_call(set, ctx, &m, mask, keys, n));
    if (m.session_id_len < COUNTING_BYTES)
        return parseal_fail(
            PARSEAL_ERR_SIZE,
            "mask.session_id_len: %zu bytes, but the last 8 are the number to count",
            m.session_id_len);
    const uint8_t *number = (const uint8_t *)m.session_id + m.session_id_len - COUNTING_BYTES;
    TRY(check_counting(ctx, counting, counting_of_nonce(number, COUNTING_BYTES), &c.numbers));
    c.bits = bit_length(m.modulus - 1);
    c.tail_size = 1 + 4 + (size_t)info_size(&m);
    c.number_at = 1 + 4 + m.session_id_len - COUNTING_BYTES;
    uint8_t *tail = malloc(c.tail_size);
    if (tail == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "mask: out of memory");
    write_tail(tail, &m, c.bits);
    c.tail = tail;
    const parseal_status status = make(set, ctx, &m, keys, n, &c);
    free(tail);
    return status;
}
