/* The comparison of tags. Its result is a jump that expected.supp lets through, and would let
 * through a comparison that stops early as well; so here the jumps that depend on a secret are
 * counted. There must be as many wherever the tags differ. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "forced.h"
#include "rng.h"
#include "secret.h"

/* Opens what has been sealed with byte `at` of the tag changed, and counts. */
static unsigned jumps(const parseal_keys *keys, const parseal_msg *sealed, size_t at)
{
    parseal_msg msg = *sealed;
    msg.tag[at] ^= 0x40;
    const unsigned before = secret_jumps();
    assert_status(parseal_open(keys, &msg, 1, NULL), PARSEAL_ERR_AUTH);
    return secret_jumps() - before;
}

static void check_comparison(uint32_t threads, size_t len)
{
    rng r = rng_for("comparison");
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES], *text = calloc(1, len + 1), *opened = malloc(len + 1);
    parseal_msg msg = {.in = text, .out = text, .len = len};
    parseal_keys *keys = NULL;
    parseal_ctx *ctx = forced_ctx(threads);
    assert_true(text != NULL && opened != NULL);
    rng_fill(&r, key, sizeof key);
    make_secret(key, sizeof key);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seal(keys, &msg, 1));
    make_public(text, len);
    make_public(msg.tag, sizeof msg.tag);

    msg.out = opened;
    const unsigned first = jumps(keys, &msg, 0);
    assert_true(first > 0); /* the verdict: else nothing is counted */
    for (size_t at = 1; at < PARSEAL_TAGBYTES; at++)
        assert_int_equal(jumps(keys, &msg, at), first);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
    free(text);
    free(opened);
}

static void whole_messages(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 5, 100, 1000, 9000};
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        check_comparison(1, lengths[i]);
}

/* Long enough to be cut over threads. */
static void cut_messages(void **state)
{
    (void)state;
    check_comparison(2, 150000);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_messages),
        cmocka_unit_test(cut_messages),
    };
    return FORCED_SUITE(argc, argv, "comparison of tags", tests);
}
