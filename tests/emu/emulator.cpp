/* Fibres that take turns on one CPU thread: each runs until it has to wait for others. */
#include "emulator.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "emulated_device.h"
#include "fibre_switch.h"
#include "launcher.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBRES_ARE_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBRES_ARE_WATCHED 1
#endif
#endif
#ifdef FIBRES_ARE_WATCHED
#include <sanitizer/asan_interface.h>
#endif

namespace emulated
{

place here;

namespace
{

enum { STACK = 256 * 1024, THREADS_MAX = WARP * WARPS_MAX };

/* What a warp exchanges puts no access to memory in order: an exchange is no barrier. */
enum waiting { RUNS, AT_BLOCK, AT_WARP, AT_EXCHANGE, DONE };

struct fibre {
    stack_state context;
    std::unique_ptr<char[]> stack;
    waiting state;
    source at; /* what it waits at */
    void *fake_stack;
    u32 given[EXCHANGED];
};

fibre fibres[THREADS_MAX];
stack_state scheduler;
#ifdef FIBRES_ARE_WATCHED
const void *scheduler_stack;
size_t scheduler_size;
void *scheduler_fake;
#endif
thread_body body;
const char *kernel_name;
bool failed;
char error[512];

std::vector<kernel> &registered()
{
    static std::vector<kernel> list;
    return list;
}

/* --------------------------------------------------------------------------------- switching -- */

void to_scheduler(fibre &from, bool for_good)
{
#ifdef FIBRES_ARE_WATCHED
    __sanitizer_start_switch_fiber(for_good ? nullptr : &from.fake_stack, scheduler_stack,
                                   scheduler_size);
#else
    (void)for_good;
#endif
    switch_stack(from.context, scheduler);
#ifdef FIBRES_ARE_WATCHED
    __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

void to_fibre(fibre &to)
{
#ifdef FIBRES_ARE_WATCHED
    __sanitizer_start_switch_fiber(&scheduler_fake, to.stack.get(), STACK);
#endif
    switch_stack(scheduler, to.context);
#ifdef FIBRES_ARE_WATCHED
    __sanitizer_finish_switch_fiber(scheduler_fake, nullptr, nullptr);
#endif
}

void enter()
{
#ifdef FIBRES_ARE_WATCHED
    __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_size);
#endif
    fibre &own = fibres[here.thread];
    body();
    own.state = DONE;
    to_scheduler(own, true);
}

void prepare(fibre &f)
{
    if (!f.stack)
        f.stack = std::make_unique<char[]>(STACK);
    f.state = RUNS;
    f.fake_stack = nullptr;
#ifdef FIBRES_ARE_WATCHED
    __asan_unpoison_memory_region(f.stack.get(), STACK); /* a launch that failed left frames */
#endif
    start_on(f.context, f.stack.get(), STACK, enter);
}

/* ----------------------------------------------------------------------------------- waiting -- */

void wait(waiting state, const source &at)
{
    fibre &own = fibres[here.thread];
    own.state = state;
    own.at = at;
    to_scheduler(own, false);
}

/* Threads [first, first + n) have all come to the same place: they go on. */
bool release(u32 first, u32 n, waiting state)
{
    for (u32 i = first; i < first + n; i++)
        if (fibres[i].state != state || !(fibres[i].at == fibres[first].at))
            return false;
    for (u32 i = first; i < first + n; i++)
        fibres[i].state = RUNS;
    return true;
}

bool release_all()
{
    bool any = false;
    if (release(0, here.threads, AT_BLOCK)) {
        here.block_epoch++;
        any = true;
    }
    for (u32 w = 0; w < here.threads / WARP; w++)
        if (release(WARP * w, WARP, AT_WARP)) {
            here.warp_epoch[w]++;
            any = true;
        } else if (release(WARP * w, WARP, AT_EXCHANGE)) {
            any = true;
        }
    return any;
}

const char *base_name(const source &at)
{
    const char *slash = std::strrchr(at.file, '/');
    return slash == nullptr ? at.file : slash + 1;
}

void describe_stuck()
{
    u32 i = 0, other = 0;
    while (fibres[i].state == DONE)
        i++;
    while (other < here.threads &&
           (fibres[other].state == fibres[i].state && fibres[other].at == fibres[i].at))
        other++;
    std::snprintf(error, sizeof error,
                  "%s, block %u: %s:%d: thread %u waits at a barrier of its %s, which thread %u "
                  "does not reach",
                  kernel_name, here.block, base_name(fibres[i].at), fibres[i].at.line, i,
                  fibres[i].state == AT_BLOCK ? "block" : "warp", other);
    failed = true;
}

void run_block()
{
    here.first_epoch = ++here.block_epoch;
    for (u32 i = 0; i < here.threads; i++)
        prepare(fibres[i]);
    while (!failed) {
        u32 done = 0;
        for (u32 i = 0; i < here.threads && !failed; i++) {
            here.thread = i;
            if (fibres[i].state == RUNS)
                to_fibre(fibres[i]);
            done += fibres[i].state == DONE;
        }
        if (failed || done == here.threads)
            return;
        if (!release_all())
            describe_stuck();
    }
}

} // namespace

registration::registration(const kernel *list, size_t n)
{
    registered().insert(registered().end(), list, list + n);
}

const kernel *find_kernel(const char *name)
{
    for (const kernel &k : registered())
        if (std::strcmp(k.name, name) == 0)
            return &k;
    return nullptr;
}

bool launch(const kernel &what, unsigned blocks, unsigned threads, unsigned dynamic_shared,
            const thread_body &bound)
{
    kernel_name = what.name;
    failed = threads == 0 || threads % WARP != 0 || threads > THREADS_MAX;
    error[0] = '\0';
    if (failed)
        std::snprintf(error, sizeof error, "%s: %u threads a block", what.name, threads);
    body = bound;
    here.blocks = blocks;
    here.threads = threads;
    here.dynamic_shared = dynamic_shared;
    for (here.block = 0; here.block < blocks && !failed; here.block++)
        run_block();
    return !failed;
}

/* -------------------------------------------------------------------------- for the kernels -- */

void fail(const source &at, const char *format, ...)
{
    va_list args;
    const int head =
        std::snprintf(error, sizeof error, "%s, block %u, thread %u: %s:%d: ", kernel_name,
                      here.block, here.thread, base_name(at), at.line);
    va_start(args, format);
    std::vsnprintf(error + head, sizeof error - (size_t)head, format, args);
    va_end(args);
    failed = true;
    to_scheduler(fibres[here.thread], true);
    __builtin_unreachable();
}

void meet_block(const source &at)
{
    wait(AT_BLOCK, at);
}

void meet_warp(const source &at)
{
    wait(AT_WARP, at);
}

void warp_exchange(const u32 *own, u32 n, u32 all[WARP][EXCHANGED], const source &at)
{
    const u32 first = here.thread / WARP * WARP;
    std::memcpy(fibres[here.thread].given, own, n * sizeof *own);
    wait(AT_EXCHANGE, at);
    for (u32 i = 0; i < WARP; i++)
        std::memcpy(all[i], fibres[first + i].given, n * sizeof *own);
    wait(AT_EXCHANGE, at); /* nobody gives anew before all have taken */
}

void check_aligned(const void *p, size_t alignment, const source &at)
{
    if ((uintptr_t)p % alignment != 0)
        fail(at, "%p is not aligned to %zu bytes", p, alignment);
}

uint4 load16(const void *p, const source &at)
{
    uint4 v;
    check_aligned(p, sizeof v, at);
    std::memcpy(&v, p, sizeof v);
    return v;
}

void store16(void *p, uint4 v, const source &at)
{
    check_aligned(p, sizeof v, at);
    std::memcpy(p, &v, sizeof v);
}

} // namespace emulated

using namespace emulated;

u32 warp_shuffle(u32 x, u32 lane, const source &at)
{
    u32 all[WARP][EXCHANGED];
    warp_exchange(&x, 1, all, at);
    return all[lane % WARP][0];
}

u32 warp_shuffle_xor(u32 x, u32 mask, const source &at)
{
    return warp_shuffle(x, lane_id() ^ mask, at);
}

u32 warp_ballot(u32 condition, const source &at)
{
    u32 all[WARP][EXCHANGED], result = 0;
    warp_exchange(&condition, 1, all, at);
    for (u32 i = 0; i < WARP; i++)
        result |= (u32)(all[i][0] != 0) << i;
    return result;
}

u32 warp_any(u32 condition, const source &at)
{
    return warp_ballot(condition, at) != 0;
}

/* ----------------------------------------------------------------------------------- launch -- */

int emulator_has(const char *name)
{
    return emulated::find_kernel(name) != nullptr;
}

const char *emulator_error(void)
{
    return error;
}

int emulator_launch(const char *name, uint32_t blocks, uint32_t threads, uint32_t dynamic_shared,
                    void **args)
{
    const kernel *found = find_kernel(name);
    if (found != nullptr)
        return launch(*found, blocks, threads, dynamic_shared, found->bind(*found, args)) ? 0 : -1;
    std::snprintf(error, sizeof error, "%s: no such kernel", name);
    return -1;
}
