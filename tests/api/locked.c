/* Whether a set is locked in memory: what the library says of it is what the system counts. */
#include <parseal/fcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "run.h"

enum { SKIPPED = 77, KEYS = 2 };

/* KiB of this process that are locked, as the system counts them; -1 where it does not tell. */
static long locked_kib(void)
{
    char line[128];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmLck: %ld", &kib) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return kib;
}

/* Sanitizers and emulators answer mlock without locking anything. */
static bool mlock_is_counted(void)
{
    static uint8_t page[1 << 15];
    const long before = locked_kib();
    const bool counted =
        before >= 0 && mlock(page, sizeof page) == 0 && locked_kib() >= before + 32;
    (void)munlock(page, sizeof page);
    return counted;
}

static parseal_ctx *ctx;

static void make_sets(int32_t want)
{
    const uint8_t bytes[32 * KEYS] = {1};
    const parseal_seed seed = {.sign = 1};
    const parseal_fcp_key key = {bytes, 32, 1};
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_set_info info = PARSEAL_SET_INFO_INIT;
    parseal_keys *keys;
    parseal_seeds *seeds, *fcp;
    mask.modulus = 256;
    mask.n = 10;
    const long before = locked_kib();
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, bytes, KEYS, NULL));
    assert_true((locked_kib() > before) == want);
    assert_ok(parseal_keys_info(keys, &info));
    assert_int_equal(info.locked, want);
    const long with_keys = locked_kib();
    assert_ok(parseal_seeds_create(&seeds, ctx, &seed, 1));
    assert_true((locked_kib() > with_keys) == want);
    assert_ok(parseal_seeds_info(seeds, &info));
    assert_int_equal(info.locked, want);
    const long with_seeds = locked_kib();
    assert_ok(parseal_fcp_seeds_create(&fcp, ctx, &mask, &key, 1));
    assert_true((locked_kib() > with_seeds) == want);
    assert_ok(parseal_seeds_info(fcp, &info));
    assert_int_equal(info.locked, want);
    parseal_seeds_destroy(fcp);
    parseal_seeds_destroy(seeds);
    parseal_keys_destroy(keys);
    assert_int_equal(locked_kib(), before);
}

static void sets_are_locked(void **state)
{
    (void)state;
    make_sets(1);
}

/* Above the limit sets are made all the same, and say so. */
static void sets_above_the_limit(void **state)
{
    static uint8_t page[1 << 12];
    struct rlimit limit;
    const bool root = geteuid() == 0; /* whom no limit binds */
    (void)state;
    if (root)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const bool bound = mlock(page, sizeof page) != 0; /* some users are not, whoever they are */
    (void)munlock(page, sizeof page);
    if (bound)
        make_sets(0);
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (root)
        assert_int_equal(seteuid(0), 0);
    if (!bound)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_locked),
        cmocka_unit_test(sets_above_the_limit),
    };
    if (!mlock_is_counted()) {
        printf("skipped: mlock locks nothing here, or the system does not tell\n");
        return SKIPPED;
    }
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    if (parseal_ctx_create(&ctx, &options) != PARSEAL_OK)
        return 1;
    const int failed = RUN_SUITE("locked", tests);
    parseal_ctx_destroy(ctx);
    return failed;
}
