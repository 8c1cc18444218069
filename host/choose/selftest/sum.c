/* Sums of vectors: known answers, and the work that crossover measures. */
#include "host/choose/selftest/primitives.h"

#include "host/choose/selftest/tester.h"
#include "host/choose/selftest/vectors.h"

bool selftest_vec_sum(const tester *t)
{
    uint64_t acc[SUM_COUNT], inputs[SUM_INPUTS][SUM_COUNT];
    for (size_t i = 0; i < LENGTH(sum_answers); i++) {
        const ring_answer *a = &sum_answers[i];
        const parseal_ring ring = {a->modulus, a->element_size, 0};
        const parseal_vec sum = parseal_host_vec(acc, SUM_COUNT, a->element_size);
        parseal_vec v[SUM_INPUTS];
        tester_pattern(acc, (size_t)sum.buf.size, 20);
        for (size_t j = 0; j < SUM_INPUTS; j++) {
            v[j] = parseal_host_vec(inputs[j], SUM_COUNT, a->element_size);
            tester_pattern(inputs[j], (size_t)sum.buf.size, 21 + j);
        }
        const parseal_status status =
            t->backend->vector->sum(t->device, &ring, &sum, v, SUM_INPUTS, NULL);
        if (status != PARSEAL_OK)
            return tester_failed(t, status);
        if (!tester_digest_is(a->digest, acc, (size_t)sum.buf.size))
            return tester_wrong(t, "sum (modulus, element size)", a->modulus, a->element_size);
    }
    return true;
}

parseal_status work_vec_sum(const parseal_side *side, const work_material *m, size_t size)
{
    const parseal_vec acc = parseal_host_vec(m->to, size / 4, 4);
    const parseal_vec v = parseal_host_vec(m->from, size / 4, 4);
    const parseal_vec inputs[WORK_INPUTS] = {v, v, v, v};
    return side->backend->vector->sum(side->device, &work_ring, &acc, inputs, WORK_INPUTS, NULL);
}
