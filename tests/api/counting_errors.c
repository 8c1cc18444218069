/* Plans and sets that count are for what graphs replay: without graphs they are refused by name,
 * whatever is counted, and nothing is made. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "parseal/fcp.h"
#include "run.h"

static bool has_graphs(void)
{
    return run_backend() == PARSEAL_BACKEND_CUDA;
}

static void plans(void **state)
{
    fixture *f = *state;
    static const uint8_t nonce[PARSEAL_AES256GCM_NONCEBYTES] = {1};
    static const uint64_t len = 16, offset = 0;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    parseal_plan *plan = NULL;
    shape.n = 1;
    shape.len = &len;
    shape.in_offset = &offset;
    shape.nonce = nonce;
    assert_error(parseal_plan_create(&plan, f->keys, &shape), PARSEAL_ERR_ARG, "nonce_step");
    shape.nonce_step = 1;
    shape.graph_writes = 1;
    assert_error(parseal_plan_create(&plan, f->keys, &shape), PARSEAL_ERR_ARG, "graph_writes");
    shape.graph_writes = 0;
    if (!has_graphs()) {
        assert_error(parseal_plan_create(&plan, f->keys, &shape), PARSEAL_ERR_UNSUPPORTED,
                     "nonce_step");
        shape.n = 0;
        assert_error(parseal_plan_create(&plan, f->keys, &shape), PARSEAL_ERR_UNSUPPORTED,
                     "nonce_step");
    }
    assert_null(plan);
    /* Nonces that a graph writes are like any others where there is no graph. */
    shape.n = 1;
    shape.nonce = NULL;
    shape.nonce_step = 0;
    shape.graph_writes = 1;
    assert_ok(parseal_plan_create(&plan, f->keys, &shape));
    parseal_plan_destroy(plan);
}

static void sets(void **state)
{
    fixture *f = *state;
    static const parseal_seed seeds[2] = {{.key = {1}, .sign = 1}, {.key = {2}, .sign = -1}};
    static const uint8_t bytes[PARSEAL_FCP_KEYBYTES] = {1};
    const parseal_fcp_key key = {bytes, sizeof bytes, 1};
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_counting counting = PARSEAL_COUNTING_INIT;
    parseal_seeds *set = NULL;
    mask.modulus = 256;
    mask.n = 10;
    mask.session_id = "session";
    mask.session_id_len = 8;
    assert_error(parseal_seeds_create_counting(&set, f->ctx, seeds, 2, NULL), PARSEAL_ERR_ARG,
                 "counting");
    assert_error(parseal_seeds_create_counting(&set, f->ctx, seeds, 2, &counting), PARSEAL_ERR_ARG,
                 "step");
    counting.step = 1;
    assert_error(parseal_seeds_create_counting(NULL, f->ctx, seeds, 2, &counting), PARSEAL_ERR_ARG,
                 "set");
    assert_error(parseal_seeds_create_counting(&set, NULL, seeds, 2, &counting), PARSEAL_ERR_ARG,
                 "ctx");
    assert_error(parseal_seeds_create_counting(&set, f->ctx, NULL, 2, &counting), PARSEAL_ERR_ARG,
                 "seeds");
    if (!has_graphs()) {
        assert_error(parseal_seeds_create_counting(&set, f->ctx, seeds, 2, &counting),
                     PARSEAL_ERR_UNSUPPORTED, "counting");
        assert_error(parseal_fcp_seeds_create_counting(&set, f->ctx, &mask, &key, 1, &counting),
                     PARSEAL_ERR_UNSUPPORTED, "counting");
        counting.step = 0;
        counting.graph_writes = 1;
        assert_error(parseal_seeds_create_counting(&set, f->ctx, seeds, 2, &counting),
                     PARSEAL_ERR_UNSUPPORTED, "counting");
    }
    assert_null(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(plans),
        WITH_FIXTURE(sets),
    };
    return RUN_SUITE("what counts", tests);
}
