/* Masks of parseal/fcp.h: their keys. */
#include "parseal/fcp.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/call.h"
#include "host/backend/objects.h"
#include "host/support/check.h"
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

/* Does steps 1 and 2 of the format. */
static void derive(const parseal_fcp_mask *mask, const parseal_fcp_key *key,
                   uint8_t aes_key[crypto_hash_sha256_BYTES])
{
    static const uint8_t purpose = 0x02;
    crypto_hash_sha256_state state;
    uint32_t bits = 0;
    for (uint64_t x = mask->modulus - 1; x != 0; x >>= 1)
        bits++;
    (void)crypto_hash_sha256_init(&state);
    hash_be32(&state, bits);
    hash(&state, key->key, key->len);
    hash(&state, &purpose, 1);
    hash_be32(&state, (uint32_t)(mask->session_id_len + 8 + mask->name_len));
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

static parseal_status create(parseal_seeds *set, const parseal_ctx *ctx,
                             const parseal_fcp_mask *mask, const parseal_fcp_key *keys)
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
        status = create_on(ctx, set, derived, signs);
    } else {
        (void)parseal_fail(status, "seeds: out of memory for %zu keys", n);
    }
    arena_give(ctx->secrets, &lease);
    free(signs);
    wipe_stack();
    return status;
}

parseal_status parseal_fcp_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
                                        const parseal_fcp_mask *mask, const parseal_fcp_key *keys,
                                        size_t n)
{
    parseal_fcp_mask m = PARSEAL_FCP_MASK_INIT;
    TRY(check_pointer("set", set));
    TRY(check_pointer("ctx", ctx));
    TRY(copy_struct_in("mask", &m, mask, sizeof m, PARSEAL_FCP_MASK_SIZE_0));
    TRY(check_mask(&m));
    if (n > 0)
        TRY(check_pointer("keys", keys));
    if (n > INT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu keys, at most 2^31 - 1 expected", n);
    for (size_t i = 0; i < n; i++)
        TRY(check_key(&keys[i], i));

    parseal_seeds *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory");
    made->n = n;
    made->fcp_modulus = m.modulus;
    made->fcp_length = m.n;
    const parseal_status status = create(made, ctx, &m, keys);
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    made->ctx = parseal_ctx_retain(ctx);
    *set = made;
    return PARSEAL_OK;
}
