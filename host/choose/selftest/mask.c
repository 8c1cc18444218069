/* Masks: known answers, and the work that crossover measures. */
#include "host/choose/selftest/primitives.h"

#include <string.h>

#include "host/choose/selftest/tester.h"
#include "host/choose/selftest/vectors.h"

static bool mask_is_right(const tester *t, const backend_seeds *seeds, const ring_answer *a)
{
    uint64_t acc[MASK_COUNT] = {0}, written[MASK_COUNT] = {0};
    const parseal_ring ring = {a->modulus, a->element_size, 0};
    const parseal_vec sum = parseal_host_vec(acc, MASK_COUNT, a->element_size);
    const parseal_vec alone = parseal_host_vec(written, MASK_COUNT, a->element_size);
    const size_t size = (size_t)sum.buf.size;

    /* A mask that is written over old bytes must equal the mask that is added to zeros. */
    parseal_status status =
        t->backend->mask->apply(t->device, seeds, &ring, &sum, MASK_FIRST, false, NULL);
    tester_pattern(written, size, 10);
    if (status == PARSEAL_OK)
        status = t->backend->mask->apply(t->device, seeds, &ring, &alone, MASK_FIRST, true, NULL);
    const bool same = memcmp(acc, written, size) == 0;

    tester_pattern(acc, size, 9);
    if (status == PARSEAL_OK)
        status = t->backend->mask->apply(t->device, seeds, &ring, &sum, MASK_FIRST, false, NULL);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    if (!same || !tester_digest_is(a->digest, acc, size))
        return tester_wrong(t, "mask (modulus, element size)", a->modulus, a->element_size);
    return true;
}

bool selftest_mask(const tester *t)
{
    parseal_seed list[3];
    backend_seeds *seeds;
    tester_fill_seeds(list);
    const parseal_status status = t->backend->mask->seeds_create(t->device, &seeds, list, 3);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    bool right = true;
    for (size_t i = 0; right && i < LENGTH(mask_answers); i++)
        right = mask_is_right(t, seeds, &mask_answers[i]);
    t->backend->mask->seeds_destroy(t->device, seeds);
    return right && tester_numbers_count(t, false);
}

parseal_status work_mask(const parseal_side *side, const work_material *m, size_t size)
{
    static const parseal_seed list[WORK_INPUTS] = {
        {.sign = 1}, {.sign = 1}, {.sign = 1}, {.sign = 1}};
    const parseal_vec acc = parseal_host_vec(m->to, size / 4, 4);
    backend_seeds *seeds;
    TRY(side->backend->mask->seeds_create(side->device, &seeds, list, WORK_INPUTS));
    const parseal_status status =
        side->backend->mask->apply(side->device, seeds, &work_ring, &acc, 0, false, NULL);
    side->backend->mask->seeds_destroy(side->device, seeds);
    return status;
}
