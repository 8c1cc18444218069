/* Keys and pair seeds: RFC 7748, and HKDF written out with HMAC as the header describes it. */
#include <sodium.h>
#include <string.h>

#include "check.h"
#include "hex.h"
#include "parseal/secagg.h"
#include "run.h"

/* These are the keys of RFC 7748, section 6.1. */
static const char ALICE_SECRET[] =
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
static const char ALICE_PUBLIC[] =
    "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
static const char BOB_SECRET[] = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
static const char BOB_PUBLIC[] = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
static const char SHARED[] = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

static void decode(const char *text, uint8_t key[32])
{
    assert_int_equal(hex_decode(text, key, 32), 32);
}

typedef struct {
    uint8_t secret[32];
    parseal_party party;
} person;

static person make_person(const char *secret, const char *public_key, uint64_t id)
{
    person p = {.party = {.id = id}};
    decode(secret, p.secret);
    decode(public_key, p.party.public_key);
    return p;
}

static person alice(uint64_t id)
{
    return make_person(ALICE_SECRET, ALICE_PUBLIC, id);
}

static person bob(uint64_t id)
{
    return make_person(BOB_SECRET, BOB_PUBLIC, id);
}

static parseal_seed pair_seed(const person *own, const person *peer, const char *round)
{
    parseal_seed seed;
    memset(&seed, UNTOUCHED, sizeof seed);
    assert_ok(
        parseal_pair_seed(&seed, own->secret, &own->party, &peer->party, round, strlen(round)));
    return seed;
}

static void rfc_7748(void **state)
{
    (void)state;
    const person people[] = {alice(1), bob(2)};
    for (size_t i = 0; i < COUNT_OF(people); i++) {
        uint8_t public_key[32];
        assert_ok(parseal_x25519_public_key(public_key, people[i].secret));
        assert_bytes(public_key, people[i].party.public_key, 32);
    }
}

static void key_pairs(void **state)
{
    (void)state;
    uint8_t secrets[8][32], public_key[32], again[32];
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        assert_ok(parseal_x25519_keypair(public_key, secrets[i]));
        assert_int_equal(crypto_scalarmult_base(again, secrets[i]), 0);
        assert_bytes(public_key, again, 32);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(secrets[k], secrets[i], 32);
    }
}

static size_t put(uint8_t *to, size_t at, const void *from, size_t n)
{
    memcpy(to + at, from, n);
    return at + n;
}

/* Does HKDF-SHA256 for one block: T(1) = HMAC(HMAC(zeros, IKM), info || 1). */
static void naive_seed(const person *low, const person *high, const char *round, uint8_t key[32])
{
    static const uint8_t zeros[32] = {0}, one = 1;
    uint8_t info[2048], shared[32], prk[32];
    const size_t round_len = strlen(round);
    const uint8_t len[4] = {(uint8_t)round_len, (uint8_t)(round_len >> 8), 0, 0};
    const person *ends[] = {low, high};
    size_t n = put(info, 0, "parseal pair seed v1", 20);
    n = put(info, n, len, 4);
    n = put(info, n, round, round_len);
    for (size_t i = 0; i < 2; i++) {
        for (unsigned bit = 0; bit < 64; bit += 8)
            info[n++] = (uint8_t)(ends[i]->party.id >> bit);
        n = put(info, n, ends[i]->party.public_key, 32);
    }
    n = put(info, n, &one, 1);
    decode(SHARED, shared);
    crypto_auth_hmacsha256(prk, shared, 32, zeros);
    crypto_auth_hmacsha256(key, info, n, prk);
}

static void as_described(void **state)
{
    (void)state;
    static const char zeros[8] = {0};
    static const uint64_t ids[][2] = {{1, 2}, {2, 1}, {0, UINT64_MAX}, {UINT64_C(1) << 40, 7}};
    char longest[PARSEAL_ROUNDBYTES_MAX + 1];
    memset(longest, 'r', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *rounds[] = {"", "7", "round 2026-11-21", longest};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const person a = alice(ids[i][0]), b = bob(ids[i][1]);
        const bool a_first = ids[i][0] < ids[i][1];
        for (size_t r = 0; r < COUNT_OF(rounds); r++) {
            uint8_t expected[32];
            const parseal_seed mine = pair_seed(&a, &b, rounds[r]);
            const parseal_seed theirs = pair_seed(&b, &a, rounds[r]);
            naive_seed(a_first ? &a : &b, a_first ? &b : &a, rounds[r], expected);
            assert_bytes(mine.key, expected, 32);
            assert_bytes(theirs.key, expected, 32);
            assert_bytes(mine.stream_id, zeros, 8);
            assert_bytes(theirs.stream_id, zeros, 8);
            assert_int_equal(mine.sign, a_first ? -1 : 1);
            assert_int_equal(theirs.sign, -mine.sign);
        }
    }
}

/* Whatever changes, the seed changes too. */
static void bound_to_everything(void **state)
{
    (void)state;
    parseal_seed seeds[16];
    size_t n = 0;
    const person a = alice(1), b = bob(2);
    seeds[n++] = pair_seed(&a, &b, "round 1");
    seeds[n++] = pair_seed(&a, &b, "round 2");
    seeds[n++] = pair_seed(&a, &b, "round 1 ");
    seeds[n++] = pair_seed(&a, &b, "round ");
    seeds[n++] = pair_seed(&a, &b, "");

    static const uint64_t ids[][2] = {{1, 3}, {0, 2}, {2, 1}, {1, 258}, {1, UINT64_C(2) << 32}};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const person c = alice(ids[i][0]), d = bob(ids[i][1]);
        seeds[n++] = pair_seed(&c, &d, "round 1");
    }
    person stranger = {.party = {.id = 2}};
    assert_ok(parseal_x25519_keypair(stranger.party.public_key, stranger.secret));
    seeds[n++] = pair_seed(&a, &stranger, "round 1");
    person wrong = a; /* It has the same shared secret, under another public key of its own. */
    wrong.party.public_key[5] ^= 1;
    seeds[n++] = pair_seed(&wrong, &b, "round 1");
    person high = b; /* It is the same point, as RFC 7748 masks the top bit. */
    high.party.public_key[31] ^= 0x80;
    seeds[n++] = pair_seed(&a, &high, "round 1");

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seeds[i].key, seeds[k].key, 32);
}

/* Points whose order divides 8 are refused, on curve and twist, and in non-canonical forms. */
static void refuses_small_orders(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    const person a = alice(1);
    person b = bob(2);
    parseal_seed seed;
    memset(&seed, UNTOUCHED, sizeof seed);
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        decode(points[i], b.party.public_key);
        assert_error(parseal_pair_seed(&seed, a.secret, &a.party, &b.party, "r", 1),
                     PARSEAL_ERR_ARG, "peer->public_key");
    }
    assert_filled(&seed, sizeof seed, UNTOUCHED);
}

static void refuses(void **state)
{
    (void)state;
    const person a = alice(1), b = bob(2), same = bob(1);
    uint8_t key[32];
    parseal_seed seed;
    memset(&seed, UNTOUCHED, sizeof seed);
    memset(key, UNTOUCHED, sizeof key);
#define REFUSED(status, name, ...) assert_error(parseal_pair_seed(__VA_ARGS__), status, name)
    REFUSED(PARSEAL_ERR_ARG, "peer->id", &seed, a.secret, &a.party, &same.party, "r", 1);
    REFUSED(PARSEAL_ERR_SIZE, "round_len", &seed, a.secret, &a.party, &b.party, "r",
            PARSEAL_ROUNDBYTES_MAX + 1);
    REFUSED(PARSEAL_ERR_ARG, "round", &seed, a.secret, &a.party, &b.party, NULL, 1);
    REFUSED(PARSEAL_ERR_ARG, "seed", NULL, a.secret, &a.party, &b.party, "r", 1);
    REFUSED(PARSEAL_ERR_ARG, "secret_key", &seed, NULL, &a.party, &b.party, "r", 1);
    REFUSED(PARSEAL_ERR_ARG, "own", &seed, a.secret, NULL, &b.party, "r", 1);
    REFUSED(PARSEAL_ERR_ARG, "peer", &seed, a.secret, &a.party, NULL, "r", 1);
#undef REFUSED
    assert_filled(&seed, sizeof seed, UNTOUCHED);
    assert_error(parseal_x25519_public_key(NULL, a.secret), PARSEAL_ERR_ARG, "public_key");
    assert_error(parseal_x25519_public_key(key, NULL), PARSEAL_ERR_ARG, "secret_key");
    assert_error(parseal_x25519_keypair(NULL, key), PARSEAL_ERR_ARG, "public_key");
    assert_error(parseal_x25519_keypair(key, NULL), PARSEAL_ERR_ARG, "secret_key");
    assert_filled(key, sizeof key, UNTOUCHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_7748),     cmocka_unit_test(key_pairs),
        cmocka_unit_test(as_described), cmocka_unit_test(bound_to_everything),
        cmocka_unit_test(refuses),      cmocka_unit_test(refuses_small_orders),
    };
    return sodium_init() < 0 ? 1 : RUN_SUITE("secagg pair", tests);
}
