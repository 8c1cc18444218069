/* All CUDA kernels from PTX: the library's known answers, with the lanes of a warp together and in
 * a seeded order, on devices of which one has little shared memory and the other products of
 * bits. */
#include <string.h>

#include "check.h"
#include "emu/machines.h"
#include "kernels/kernels.h"
#include "run.h"

/* Without nvcc 13.3 there is no text of the kernels with carry-less multiplications. */
static bool has_clmad;

static bool is_clmad(const char *kernel)
{
    static const char *const names[] = {"keys_rows", "aead_hash_clmad", "aead_seal"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], kernel) == 0)
            return true;
    return false;
}

static void pass_known_answers(void)
{
    size_t tried = 0;
    for (size_t i = 0; i < parseal_impl_count(); i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_ok(parseal_impl_test(i, &impl));
        if (impl.backend != PARSEAL_BACKEND_CUDA)
            continue;
        if (impl.state == PARSEAL_IMPL_FAILED)
            fail_msg("%s", impl.detail);
        has_clmad |= impl.state == PARSEAL_IMPL_PASSED && strcmp(impl.name, "clmad") == 0;
        tried += impl.state == PARSEAL_IMPL_PASSED;
    }
    assert_true(tried > 0);
}

static void check_order(const char *seed)
{
    static const char *const capabilities[] = {"75", "90"};
    machine_set("PARSEAL_PTX_SEED", seed);
    for (size_t i = 0; i < COUNT_OF(capabilities); i++) {
        machine_set("PARSEAL_EMU_CAPABILITY", capabilities[i]);
        pass_known_answers();
    }
}

static void lanes_together(void **state)
{
    static const char *const kernels[] = {
#define NAME(program, name, threads, shared, items) #name,
        CUDA_KERNELS(NAME)};
    (void)state;
    check_order(NULL);
    for (size_t i = 0; i < COUNT_OF(kernels); i++)
        if (machine.launches(kernels[i]) == 0 && (has_clmad || !is_clmad(kernels[i])))
            fail_msg("%s has not run", kernels[i]);
}

static void seeded_order(void **state)
{
    (void)state;
    check_order("1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_together),
        cmocka_unit_test(seeded_order),
    };
    machine_set("PARSEAL_EMU_DEVICES", "1");
    if (!machine_find())
        return run_skip("no driver with the interpreter");
    return RUN_SUITE("known answers from PTX", tests);
}
