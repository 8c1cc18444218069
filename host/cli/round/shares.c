#include "host/cli/round/shares.h"

#include <sodium.h>
#include <string.h>

enum {
    BYTES = PARSEAL_SECRETBYTES,
    SECRETS = 2,           /* a client's self-mask key, then its X25519 secret key */
    BATCH_BYTES = 4 << 20, /* bytes of shares that are combined at a time */
};

int shares_create(shares *s, const fl_round *r, cli_failure *failure)
{
    const cohort *all = &r->cohort;
    const uint32_t holders = cohort_holders(all), threshold = all->threshold;
    memset(s, 0, sizeof *s);
    s->batch = BATCH_BYTES / BYTES / threshold;
    if (s->batch < 1)
        s->batch = 1;
    int code = cli_buffer_create(&s->dealt, holders, (size_t)SECRETS * BYTES, "a client's shares",
                                 failure);
    for (int i = 0; code == CLI_OK && i < 2; i++)
        code = cli_buffer_create(&s->index[i], holders, sizeof(uint32_t), "holders", failure);
    if (code == CLI_OK)
        code =
            cli_buffer_create(&s->kept, all->n, (size_t)threshold * BYTES, "all shares", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&s->asked, s->batch, (size_t)threshold * BYTES,
                                 "a batch of shares", failure);
    if (code == CLI_OK) {
        s->secrets = sodium_allocarray((size_t)all->n, BYTES);
        if (s->secrets == NULL)
            code = cli_fail(failure, CLI_FAILED, "not enough memory for the clients' secrets");
    }
    if (code != CLI_OK)
        shares_destroy(s);
    return code;
}

void shares_destroy(shares *s)
{
    sodium_free(s->secrets);
    s->secrets = NULL;
    cli_buffer_destroy(&s->dealt);
    cli_buffer_destroy(&s->index[0]);
    cli_buffer_destroy(&s->index[1]);
    cli_buffer_destroy(&s->kept);
    cli_buffer_destroy(&s->asked);
}

const uint8_t *shares_secret(const shares *s, uint64_t client)
{
    return s->secrets + BYTES * client;
}

/* Returns the place for the k-th share that the server will ask for. */
static uint8_t *kept_share(const shares *s, const cohort *all, uint64_t client, uint32_t k)
{
    return (uint8_t *)s->kept.p + (client * all->threshold + k) * BYTES;
}

int shares_deal(shares *s, fl_round *r, uint64_t client, cli_failure *failure)
{
    const cohort *all = &r->cohort;
    const uint8_t *dealt = s->dealt.p;
    uint8_t secrets[SECRETS * BYTES];
    parseal_seed self_mask;

    stage_begin(&r->stages);
    cohort_seed(all, SEED_SELF_MASK, client, &self_mask);
    memcpy(secrets, self_mask.key, BYTES);
    cohort_secret_key(all, client, secrets + BYTES);
    const parseal_status status =
        parseal_shamir_share(secrets, SECRETS, all->threshold, cohort_holders(all), s->dealt.p);
    sodium_memzero(&self_mask, sizeof self_mask);
    sodium_memzero(secrets, sizeof secrets);
    stage_end(&r->stages, STAGE_SHARE, s->dealt.size);
    if (status != PARSEAL_OK)
        return cli_fail_library(failure, "share", status);

    uint32_t *index = s->index[0].p;
    const uint32_t left = cohort_holders_left(all, client, index);
    const size_t which = cohort_drops(all, client) ? 1 : 0;
    for (uint32_t k = 0; k < left && k < all->threshold; k++)
        memcpy(kept_share(s, all, client, k),
               dealt + ((size_t)(index[k] - 1) * SECRETS + which) * BYTES, BYTES);
    return CLI_OK;
}

/* Checks that enough holders have stayed for each secret that the server needs. */
static int check_threshold(shares *s, const cohort *all, cli_failure *failure)
{
    for (uint64_t i = 0; i < all->n; i++) {
        const uint32_t left = cohort_holders_left(all, i, s->index[0].p);
        if (left < all->threshold && cohort_is_needed(all, i, left))
            return cli_fail(failure, CLI_FAILED,
                            "below the threshold: of the %u clients that hold shares of client "
                            "%llu's secrets %u are left, and %u are needed",
                            cohort_holders(all), (unsigned long long)i, left, all->threshold);
    }
    return CLI_OK;
}

/* Reconstructs the secrets of `count` clients from `first` on, whose shares the same holders
 * have. */
static int combine(shares *s, fl_round *r, uint64_t first, size_t count, const uint32_t *index,
                   cli_failure *failure)
{
    const cohort *all = &r->cohort;
    uint8_t *to = s->asked.p;
    for (uint32_t k = 0; k < all->threshold; k++)
        for (size_t i = 0; i < count; i++, to += BYTES)
            memcpy(to, kept_share(s, all, first + i, k), BYTES);
    const parseal_status status = parseal_shamir_combine(
        index, s->asked.p, all->threshold, count, all->threshold, s->secrets + first * BYTES);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "reconstruct", status);
}

/* Lists the holders that are asked for this client's shares, and returns how many: none where its
 * secret is not needed. */
static uint32_t ask(const cohort *all, uint64_t client, uint32_t *index)
{
    const uint32_t left = cohort_holders_left(all, client, index);
    if (!cohort_is_needed(all, client, left))
        return 0;
    return left < all->threshold ? left : all->threshold;
}

static int combine_all(shares *s, fl_round *r, cli_failure *failure)
{
    const cohort *all = &r->cohort;
    uint32_t *index = s->index[0].p, *other = s->index[1].p;
    size_t count = 0; /* secrets that the holders in `index` are asked for */
    int code = CLI_OK;
    for (uint64_t i = 0; code == CLI_OK && i <= all->n; i++) {
        const uint32_t asked = i < all->n ? ask(all, i, other) : 0;
        const bool same = asked > 0 && count > 0 && count < s->batch &&
                          memcmp(index, other, asked * sizeof *index) == 0;
        if (!same && count > 0) {
            code = combine(s, r, i - count, count, index, failure);
            count = 0;
        }
        if (asked == 0)
            continue;
        uint32_t *swap = index;
        index = other;
        other = swap;
        count++;
    }
    return code;
}

/* Checks the reconstructed X25519 secret keys against the public keys: wrong shares give wrong
 * secrets. */
static int check_keys(const shares *s, const cohort *all, cli_failure *failure)
{
    const uint32_t *dropped = (const uint32_t *)all->turnout.p + all->survivors;
    uint8_t public_key[PARSEAL_X25519BYTES];
    for (uint64_t k = 0; k < all->n - all->survivors; k++) {
        const uint64_t client = dropped[k];
        const uint32_t left = cohort_holders_left(all, client, s->index[0].p);
        if (!cohort_is_needed(all, client, left))
            continue;
        const parseal_status status =
            parseal_x25519_public_key(public_key, shares_secret(s, client));
        if (status != PARSEAL_OK)
            return cli_fail_library(failure, "public key", status);
        if (memcmp(public_key, cohort_public_key(all, client), sizeof public_key) != 0)
            return cli_fail(failure, CLI_FAILED,
                            "the shares of client %llu do not give its secret key",
                            (unsigned long long)client);
    }
    return CLI_OK;
}

int shares_reconstruct(shares *s, fl_round *r, cli_failure *failure)
{
    int code = check_threshold(s, &r->cohort, failure);
    if (code != CLI_OK)
        return code;
    stage_begin(&r->stages);
    code = combine_all(s, r, failure);
    if (code == CLI_OK)
        code = check_keys(s, &r->cohort, failure);
    stage_end(&r->stages, STAGE_RECONSTRUCT,
              r->cohort.n * r->cohort.threshold * PARSEAL_SECRETBYTES);
    return code;
}
