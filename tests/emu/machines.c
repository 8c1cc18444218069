#include "machines.h"

#include <stdlib.h>
#include <string.h>

#include "host/support/dynlib.h"
#include "rng.h"

struct machine machine;

bool machine_find(void)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    void *library = dynlib_open(names);
    if (library == NULL)
        return false;
    dynlib_function(library, "fake_launches", &machine.launches, sizeof machine.launches);
    dynlib_function(library, "fake_wrong", &machine.wrong, sizeof machine.wrong);
    dynlib_function(library, "fake_freed_unwiped", &machine.freed_unwiped,
                    sizeof machine.freed_unwiped);
    dynlib_function(library, "fake_found", &machine.found, sizeof machine.found);
    return machine.launches != NULL && machine.wrong != NULL && machine.freed_unwiped != NULL &&
           machine.found != NULL;
}

void machine_set(const char *variable, const char *value)
{
    assert_int_equal(value != NULL ? setenv(variable, value, 1) : unsetenv(variable), 0);
}

int machine_reset(void **state)
{
    static const char *const variables[] = {
        "PARSEAL_EMU_DEVICES",      "PARSEAL_EMU_CAPABILITY", "PARSEAL_EMU_PINNED",
        "PARSEAL_EMU_WRONG",        "PARSEAL_EMU_NAMES",      "PARSEAL_EMU_BUSY",
        "PARSEAL_EMU_WRONG_DEVICE", "PARSEAL_EMU_MIG",        "PARSEAL_CUDA_DEVICE",
        "PARSEAL_EMU_PTX",          "PARSEAL_EMU_CLMAD",      "PARSEAL_EMU_SLOW",
        "PARSEAL_CUDA_GHASH",       "PARSEAL_EMU_SEED",       "PARSEAL_EMU_REFUSED"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        machine_set(variables[i], NULL);
    return 0;
}

parseal_status open_ctx(parseal_ctx **ctx, int32_t backend)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    *ctx = NULL;
    return parseal_ctx_create(ctx, &options);
}

void machine_run(machine_work *w, parseal_ctx *ctx)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {7};
    static const parseal_seed seed = {.key = {9}, .sign = -1};
    static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
    parseal_keys *keys;
    parseal_seeds *seeds;
    rng r = rng_for("machine");
    rng_fill(&r, w->in, sizeof w->in);
    rng_fill(&r, w->acc, sizeof w->acc);
    for (size_t i = 0; i < MACHINE_MESSAGES; i++)
        w->msgs[i] = (parseal_msg){
            .in = w->in[i], .out = w->out[i], .len = MACHINE_LONG - i * i, .nonce = {(uint8_t)i}};
    const parseal_vec acc = parseal_host_vec(w->acc, MACHINE_COUNT, 4);
    const parseal_vec v = parseal_host_vec(w->in, MACHINE_COUNT, 4);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seeds_create(&seeds, ctx, &seed, 1));
    assert_ok(parseal_seal(keys, w->msgs, MACHINE_MESSAGES));
    assert_ok(parseal_mask_apply(seeds, &ring, &acc, 5, NULL));
    assert_ok(parseal_vec_sum(ctx, &ring, &acc, &v, 1, NULL));
    parseal_seeds_destroy(seeds);
    parseal_keys_destroy(keys);
}

void machine_same(const machine_work *a, const machine_work *b)
{
    for (size_t i = 0; i < MACHINE_MESSAGES; i++) {
        assert_int_equal(a->msgs[i].status, PARSEAL_ITEM_OK);
        assert_bytes(a->out[i], b->out[i], a->msgs[i].len);
        assert_bytes(a->msgs[i].tag, b->msgs[i].tag, sizeof a->msgs[i].tag);
    }
    assert_bytes(a->acc, b->acc, sizeof a->acc);
}

void machine_check(parseal_ctx *ctx)
{
    static machine_work got, want;
    parseal_ctx *cpu;
    assert_ok(open_ctx(&cpu, PARSEAL_BACKEND_CPU));
    machine_run(&want, cpu);
    machine_run(&got, ctx);
    machine_same(&got, &want);
    parseal_ctx_destroy(cpu);
    parseal_ctx_destroy(ctx);
}
