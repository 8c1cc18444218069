/* Masks of parseal/fcp.h: known answers, and the work that crossover measures. */
#include "host/choose/selftest/primitives.h"

#include <stdlib.h>
#include <string.h>

#include "host/choose/selftest/tester.h"
#include "host/choose/selftest/vectors.h"

static bool fcp_is_right(const tester *t, const backend_fcp *fcp, const ring_answer *a,
                         uint64_t *acc, uint64_t *written)
{
    const parseal_ring ring = {a->modulus, a->element_size, 0};
    const parseal_vec sum = parseal_host_vec(acc, FCP_COUNT, a->element_size);
    const parseal_vec alone = parseal_host_vec(written, FCP_COUNT, a->element_size);
    const size_t size = (size_t)sum.buf.size;

    memset(acc, 0, size);
    parseal_status status =
        t->backend->mask->fcp_apply(t->device, fcp, &ring, &sum, FCP_FIRST, false, NULL);
    tester_pattern(written, size, 10);
    if (status == PARSEAL_OK)
        status = t->backend->mask->fcp_apply(t->device, fcp, &ring, &alone, FCP_FIRST, true, NULL);
    const bool same = memcmp(acc, written, size) == 0;

    tester_pattern(acc, size, 9);
    if (status == PARSEAL_OK)
        status = t->backend->mask->fcp_apply(t->device, fcp, &ring, &sum, FCP_FIRST, false, NULL);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    if (!same || !tester_digest_is(a->digest, acc, size))
        return tester_wrong(t, "mask of fcp (modulus, element size)", a->modulus, a->element_size);
    return true;
}

/* Skips moduli for which the backend says that it has no masks. Powers of two it must have. */
bool selftest_fcp(const tester *t)
{
    static const int32_t signs[3] = {1, -1, 1};
    uint8_t keys[3][32];
    uint64_t *acc = calloc(2 * (size_t)FCP_COUNT, sizeof *acc);
    bool right = acc != NULL;
    if (!right)
        return tester_failed(t, parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory"));
    for (size_t j = 0; j < 3; j++)
        tester_pattern(keys[j], sizeof keys[j], 3 + 2 * j);
    for (size_t i = 0; right && i < LENGTH(fcp_answers); i++) {
        const ring_answer *a = &fcp_answers[i];
        backend_fcp *fcp;
        const parseal_status status =
            t->backend->mask->fcp_create(t->device, &fcp, a->modulus, keys[0], signs, 3);
        if (status == PARSEAL_ERR_UNSUPPORTED && (a->modulus & (a->modulus - 1)) != 0)
            continue;
        right = status == PARSEAL_OK ? fcp_is_right(t, fcp, a, acc, acc + FCP_COUNT)
                                     : tester_failed(t, status);
        if (status == PARSEAL_OK)
            t->backend->mask->fcp_destroy(t->device, fcp);
    }
    free(acc);
    return right && tester_numbers_count(t, true);
}

parseal_status work_fcp(const parseal_side *side, const work_material *m, size_t size)
{
    static const uint8_t keys[32 * WORK_INPUTS];
    static const int32_t signs[WORK_INPUTS] = {1, 1, 1, 1};
    const parseal_vec acc = parseal_host_vec(m->to, size / 4, 4);
    backend_fcp *set;
    TRY(side->backend->mask->fcp_create(side->device, &set, work_ring.modulus, keys, signs,
                                        WORK_INPUTS));
    const parseal_status status =
        side->backend->mask->fcp_apply(side->device, set, &work_ring, &acc, 0, false, NULL);
    side->backend->mask->fcp_destroy(side->device, set);
    return status;
}
