/* Whether a set is locked in memory: what the library says of it is what the system counts. */
#include <parseal/fcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

static parseal_ctx *new_ctx(void)
{
    parseal_ctx *ctx = NULL;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&ctx, &options));
    return ctx;
}

/* In a context of its own, as a context keeps some memory for the next set; and not in the first
 * one, whose self-tests have made sets already. */
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
    parseal_ctx *ctx = new_ctx();
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
    parseal_ctx_destroy(ctx);
    assert_int_equal(locked_kib(), before);
}

static void sets_are_locked(void **state)
{
    (void)state;
    parseal_ctx_destroy(new_ctx());
    make_sets(1);
}

/* Calls test() with a limit of so many bytes for what may be locked, beside what is locked now. */
static void below_a_limit(rlim_t bytes, void (*test)(void))
{
    static uint8_t pages[1 << 17];
    struct rlimit limit;
    const bool root = geteuid() == 0; /* whom no limit binds */
    if (root)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = (rlim_t)locked_kib() * 1024 + bytes;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    const bool bound = mlock(pages, sizeof pages) != 0; /* some users are not, whoever they are */
    (void)munlock(pages, sizeof pages);
    if (bound)
        test();
    limit.rlim_cur = before;
    assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (root)
        assert_int_equal(seteuid(0), 0);
    if (!bound)
        skip();
}

static void make_unlocked_sets(void)
{
    make_sets(0);
}

/* Above the limit sets are made all the same, and say so. */
static void sets_above_the_limit(void **state)
{
    (void)state;
    below_a_limit(0, make_unlocked_sets);
}

/* Some of the sets are below the limit and some above it. What says that it is locked is no more
 * than the system has locked, and no set changes its mind. */
static void make_sets_across_the_limit(void)
{
    enum { SETS = 300, KEY = 32 };
    const uint8_t bytes[KEY] = {1};
    static parseal_keys *sets[SETS];
    static int32_t locked[SETS];
    parseal_ctx *ctx = new_ctx();
    const long before = locked_kib();
    long n_locked = 0;
    for (size_t i = 0; i < SETS; i++) {
        parseal_set_info info = PARSEAL_SET_INFO_INIT;
        assert_ok(parseal_keys_create(&sets[i], ctx, PARSEAL_AES256GCM, bytes, 1, NULL));
        assert_ok(parseal_keys_info(sets[i], &info));
        locked[i] = info.locked;
        n_locked += info.locked;
        assert_true(n_locked * KEY <= (locked_kib() - before) * 1024);
    }
    assert_in_range(n_locked, 1, SETS - 1);
    for (size_t i = 0; i < SETS; i++) {
        parseal_set_info info = PARSEAL_SET_INFO_INIT;
        assert_ok(parseal_keys_info(sets[i], &info));
        assert_int_equal(info.locked, locked[i]);
        parseal_keys_destroy(sets[i]);
    }
    parseal_ctx_destroy(ctx);
    assert_int_equal(locked_kib(), before);
}

static void sets_across_the_limit(void **state)
{
    (void)state;
    below_a_limit(65536, make_sets_across_the_limit);
}

/* A child's memory is not locked, whatever the parent's is. What it makes says what is true of the
 * child. */
static void sets_of_a_child(void **state)
{
    const uint8_t bytes[32] = {1};
    parseal_ctx *ctx = new_ctx();
    parseal_keys *set;
    int status = 0;
    (void)state;
    assert_ok(parseal_keys_create(&set, ctx, PARSEAL_AES256GCM, bytes, 1, NULL));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        parseal_set_info info = PARSEAL_SET_INFO_INIT;
        parseal_keys *own = NULL;
        bool right = locked_kib() == 0 &&
                     parseal_keys_create(&own, ctx, PARSEAL_AES256GCM, bytes, 1, NULL) == 0 &&
                     parseal_keys_info(own, &info) == PARSEAL_OK &&
                     info.locked == (locked_kib() > 0);
        parseal_keys_destroy(own);
        parseal_keys_destroy(set);
        parseal_ctx_destroy(ctx);
        _exit(right && locked_kib() == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    parseal_keys_destroy(set);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_locked),
        cmocka_unit_test(sets_above_the_limit),
        cmocka_unit_test(sets_across_the_limit),
        cmocka_unit_test(sets_of_a_child),
    };
    if (!mlock_is_counted()) {
        printf("skipped: mlock locks nothing here, or the system does not tell\n");
        return SKIPPED;
    }
    return RUN_SUITE("locked", tests);
}
