/* Secret sharing and pair seeds with their secrets marked: secrets, coefficients, shares, secret
 * keys. Indices, thresholds, counts, ids, rounds and public keys are public. Under memcheck any
 * jump or address that depends on a secret is an error, but for those in expected.supp. */
#include <sodium.h>
#include <string.h>

#include "check.h"
#include "forced.h"
#include "host/secagg/shamir.h"
#include "rng.h"
#include "secret.h"

enum { BYTES = PARSEAL_SECRETBYTES, SECRETS = 3, HOLDERS_MAX = 300 };

static void draw_secretly(void *state, void *bytes, size_t n)
{
    rng_fill(state, bytes, n);
    make_secret(bytes, n);
}

static void share_and_combine(uint32_t t, uint32_t n, size_t n_shares)
{
    static uint8_t secrets[SECRETS * BYTES], shares[HOLDERS_MAX * SECRETS * BYTES];
    uint8_t recovered[SECRETS * BYTES];
    uint32_t index[HOLDERS_MAX];
    rng r = rng_for("sharing");
    for (uint32_t i = 0; i < n; i++)
        index[i] = n - i; /* The last holders come first. */
    rng_fill(&r, secrets, sizeof secrets);
    make_secret(secrets, sizeof secrets);
    assert_ok(shamir_share(secrets, SECRETS, t, n, shares, draw_secretly, &r));
    assert_secret(shares, (size_t)n * sizeof secrets, 1);

    /* Holder 1's shares come first. Other holders' names give other secrets, which will do. */
    assert_ok(parseal_shamir_combine(index, shares, n_shares, SECRETS, t, recovered));
    assert_secret(recovered, sizeof recovered, 1);
}

static void sharing(void **state)
{
    (void)state;
    static const uint32_t cases[][2] = {{1, 1}, {1, 4}, {2, 3}, {5, 40}, {17, 17}, {200, 300}};
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        share_and_combine(cases[i][0], cases[i][1], cases[i][0]);
}

/* Whether shares agree is the verdict, and public. Which words made it is not. */
static void checked_shares(void **state)
{
    (void)state;
    static uint8_t secrets[SECRETS * BYTES], shares[9 * SECRETS * BYTES];
    static const uint32_t index[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint8_t recovered[SECRETS * BYTES];
    rng r = rng_for("checked");
    for (int wrong = 0; wrong < 2; wrong++) {
        rng_fill(&r, secrets, sizeof secrets);
        make_secret(secrets, sizeof secrets);
        assert_ok(shamir_share(secrets, SECRETS, 4, 9, shares, draw_secretly, &r));
        shares[5 * SECRETS * BYTES + BYTES] ^= (uint8_t)wrong;
        assert_status(parseal_shamir_combine(index, shares, 9, SECRETS, 4, recovered),
                      wrong ? PARSEAL_ERR_AUTH : PARSEAL_OK);
        if (!wrong)
            assert_secret(recovered, sizeof recovered, 1);
    }
}

static void pair_seeds(void **state)
{
    (void)state;
    uint8_t secret_key[2][PARSEAL_X25519BYTES], expected[PARSEAL_SEEDBYTES];
    parseal_party party[2] = {{.id = 4}, {.id = 9}};
    for (int i = 0; i < 2; i++) {
        randombytes_buf(secret_key[i], sizeof secret_key[i]);
        make_secret(secret_key[i], sizeof secret_key[i]);
        assert_ok(parseal_x25519_public_key(party[i].public_key, secret_key[i]));
        assert_secret(party[i].public_key, sizeof party[i].public_key, 1);
        make_public(party[i].public_key, sizeof party[i].public_key);
    }
    for (int i = 0; i < 2; i++) {
        parseal_seed seed;
        parseal_status status =
            parseal_pair_seed(&seed, secret_key[i], &party[i], &party[1 - i], "round", 5);
        make_public(&status, sizeof status);
        assert_ok(status);
        assert_int_equal(seed.sign, i == 0 ? -1 : 1);
        assert_secret(seed.key, sizeof seed.key, 1);
        make_public(seed.key, sizeof seed.key);
        if (i == 0)
            memcpy(expected, seed.key, sizeof expected);
        assert_bytes(seed.key, expected, sizeof expected);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sharing),
        cmocka_unit_test(checked_shares),
        cmocka_unit_test(pair_seeds),
    };
    return FORCED_SUITE(argc, argv, "secagg", tests);
}
