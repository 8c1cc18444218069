#include "counting_sides.h"

#include "run.h"

enum { NON_BLOCKING = 1 }; /* on_cuda.c */

struct counting_sides sides;

static parseal_ctx *open_ctx(int32_t backend)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx;
    options.backend = backend;
    assert_ok(parseal_ctx_create(&ctx, &options));
    return ctx;
}

void sides_open(void *host, void *back, uint64_t size, const char *seed)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    if (sides.ctx == NULL) {
        on.open(NON_BLOCKING, &options);
        sides.ctx = open_ctx(on.backend);
        sides.cpu = open_ctx(PARSEAL_BACKEND_CPU);
        sides.memory = on.alloc(size);
        sides.stream = on.stream();
    }
    sides.host = host;
    sides.back = back;
    sides.size = size;
    sides.r = rng_for(seed);
}

static void sides_close(void)
{
    if (sides.ctx == NULL)
        return;
    parseal_ctx_destroy(sides.ctx);
    parseal_ctx_destroy(sides.cpu);
    on.free(sides.memory);
    on.close();
}

void sides_renew(void)
{
    rng_fill(&sides.r, sides.host, sides.size);
    on.write(sides.memory, 0, sides.host, sides.size);
}

void sides_fetch(void)
{
    on.finish();
    on.read(sides.memory, 0, sides.back, sides.size);
}

int sides_suite(const char *name, const struct CMUnitTest *tests, size_t n)
{
    if (!on.find())
        return run_skip("no device");
    if (!find_graphs())
        return run_skip("a driver without cuGraphInstantiateWithFlags (CUDA 12.0)");
    const int failed = run_suite(name, tests, n);
    sides_close();
    return failed;
}
