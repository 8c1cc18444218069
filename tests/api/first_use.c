/* Many threads make the first contexts of a process at once: a runtime that is asked for its
 * devices for the first time must not be asked by two of them. The suite itself has used the
 * backend before, so the trial is another process: this program, with an argument. */
#include <parseal/parseal.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "run.h"

enum { CALLERS = 8, REFUSED = 3 };

static pthread_barrier_t gate;

/* Makes a context on the backend that PARSEAL_BACKEND names, and masks with it. */
static void *first_call(void *arg)
{
    parseal_status *status = arg;
    uint32_t acc[16] = {0};
    const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    const parseal_vec vec = parseal_host_vec(acc, COUNT_OF(acc), 4);
    const parseal_seed seed = {{0}, {0}, 1};
    parseal_ctx *ctx = NULL;
    parseal_seeds *seeds = NULL;
    (void)pthread_barrier_wait(&gate);
    *status = parseal_ctx_create(&ctx, NULL);
    if (*status == PARSEAL_OK)
        *status = parseal_seeds_create(&seeds, ctx, &seed, 1);
    if (*status == PARSEAL_OK)
        *status = parseal_mask_apply(seeds, &ring, &vec, 0, NULL);
    /* RFC 8439, appendix A.1, test vector 1. */
    if (*status == PARSEAL_OK && memcmp(acc, "\x76\xb8\xe0\xad\xa0\xf1\x3d\x90", 8) != 0)
        *status = PARSEAL_ERR_SELFTEST;
    parseal_seeds_destroy(seeds);
    parseal_ctx_destroy(ctx);
    return NULL;
}

static int in_a_new_process(void)
{
    pthread_t threads[CALLERS];
    parseal_status status[CALLERS];
    if (pthread_barrier_init(&gate, NULL, CALLERS) != 0)
        return 2;
    for (size_t i = 0; i < CALLERS; i++)
        if (pthread_create(&threads[i], NULL, first_call, &status[i]) != 0)
            return 2;
    for (size_t i = 0; i < CALLERS; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < CALLERS; i++)
        if (status[i] != PARSEAL_OK)
            return REFUSED;
    return 0;
}

static void by_many_threads(void **state)
{
    (void)state;
    assert_int_equal(setenv("PARSEAL_BACKEND", parseal_backend_name(run_backend()), 1), 0);
    for (size_t i = 0; i < run_share(5, 5); i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)execl("/proc/self/exe", "first_use", "trial", (char *)NULL);
            _exit(2);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(unsetenv("PARSEAL_BACKEND"), 0);
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(by_many_threads)};
    if (argc > 1 && strcmp(argv[1], "trial") == 0)
        return in_a_new_process();
    return RUN_SUITE("first_use", tests);
}
