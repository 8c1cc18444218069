/* How the lanes of a warp go on. Each has a program counter of its own. Of those that run together
 * the ones at the least counter go first, which brings lanes together again behind a branch; those
 * that have come to what the warp does together wait there for the other members. */
#include <algorithm>

#include "machine.h"

namespace ptx
{

namespace
{

/* Lanes at one counter, and the counter at which others join them. */
struct group {
    u32 lanes, pc, limit;
};

group least_of(const warp &w, u32 among)
{
    group g = {0, ~0u, ~0u};
    each(among, [&](u32 l) {
        if (w.pc[l] < g.pc) {
            g.limit = g.pc;
            g.pc = w.pc[l];
            g.lanes = 0;
        }
        if (w.pc[l] == g.pc)
            g.lanes |= 1u << l;
        else
            g.limit = std::min(g.limit, w.pc[l]);
    });
    return g;
}

group next_group(const warp &w)
{
    const u32 free = w.alive & ~w.waiting;
    if (free == 0)
        fail(block.of->list[w.pc[__builtin_ctz(w.alive)]],
             "the lanes %08x of warp %u wait for each other", w.alive, w.id);
    if (!is_seeded())
        return least_of(w, free);
    u32 among = 0;
    while (among == 0)
        among = w.part[drawn(PARTS)] & free;
    return least_of(w, among);
}

void leave(warp &w, u32 lanes, u32 at)
{
    each(lanes, [&](u32 l) { w.pc[l] = at; });
}

void check_written(const warp &w, const instruction &i, u32 lanes)
{
    u32 missing = 0;
    for (u32 n = 0; n < i.read; n++)
        missing |= lanes & ~w.written[i.from[n]];
    for (const condition &c : i.p)
        if (c.row >= 0)
            missing |= lanes & ~w.p_written[c.row];
    if (__builtin_expect(missing != 0, 0))
        fail(i, "a register is read that the lanes %08x have not written", missing);
}

void run_one(warp &w, const instruction &i, u32 lanes)
{
    w.running = lanes;
    check_written(w, i, lanes);
    i.run(w, i);
    for (u32 n = 0; n < i.written; n++)
        w.written[i.to[n]] |= lanes;
    if (i.sets >= 0)
        w.p_written[i.sets] |= lanes;
}

/* The lanes that an instruction's guard lets through. */
u32 guarded(const warp &w, const instruction &i, u32 lanes)
{
    if (i.guard.row < 0)
        return lanes;
    if ((lanes & ~w.p_written[i.guard.row]) != 0)
        fail(i, "the guard is a predicate that nobody has written");
    return lanes & lanes_where(w, i.guard);
}

/* Who takes part in what the warp does together: all that are left, or those that it names. */
u32 members_of(warp &w, const instruction &i, u32 lanes)
{
    if (i.what == BLOCK_BARRIER)
        return w.alive;
    const u32 *mask = w.at<u32>(i.from[i.read - 1]);
    const u32 members = mask[__builtin_ctz(lanes)];
    each(lanes, [&](u32 l) {
        if (mask[l] != members)
            fail(i, "lanes name different members");
    });
    if ((members & ~w.alive) != 0)
        fail(i, "the lanes %08x are to take part, of which %08x have ended", members,
             members & ~w.alive);
    if ((lanes & ~members) != 0)
        fail(i, "the lanes %08x come where only %08x take part", lanes, members);
    return members;
}

/* Lanes come to what their warp does together, which is done when all members have come. */
void meet(warp &w, const instruction &i, u32 lanes, u32 pc)
{
    leave(w, lanes, pc);
    each(w.waiting, [&](u32 l) {
        if (w.pc[l] == pc)
            lanes |= 1u << l;
    });
    const u32 members = members_of(w, i, lanes);
    w.waiting |= lanes;
    if (lanes != members)
        return;
    w.waiting &= ~members;
    leave(w, members, pc + 1);
    w.at_barrier = i.what == BLOCK_BARRIER;
    if (w.at_barrier)
        return;
    w.epoch += i.what == WARP_BARRIER;
    run_one(w, i, members);
    if (is_seeded())
        draw_parts(w);
}

/* Runs a group until it parts, is joined, has to wait or has ended, or so many instructions. */
void run_group(warp &w, group g, u64 steps)
{
    code &k = *block.of;
    for (; steps > 0 && g.pc < g.limit; steps--) {
        const instruction &i = k.list[g.pc];
        const u32 lanes = guarded(w, i, g.lanes);
        k.steps++;
        i.count += lanes != 0;
        switch (i.what) {
        case NEXT:
            if (lanes != 0)
                run_one(w, i, lanes);
            g.pc++;
            break;
        case BRANCH:
            if (lanes != g.lanes && lanes != 0) {
                leave(w, lanes, i.target);
                leave(w, g.lanes & ~lanes, g.pc + 1);
                return;
            }
            g.pc = lanes != 0 ? i.target : g.pc + 1;
            break;
        case END:
            w.alive &= ~lanes;
            leave(w, g.lanes & ~lanes, g.pc + 1);
            return;
        default:
            if (lanes != g.lanes)
                fail(i, "not all lanes that come here take part");
            meet(w, i, lanes, g.pc);
            return;
        }
    }
    leave(w, g.lanes, g.pc);
}

} // namespace

void run_warp(warp &w)
{
    enum { PARTS_RUN = 200, STEPS = 50 };
    w.at_barrier = false;
    for (u64 n = 0; w.alive != 0 && !w.at_barrier; n++) {
        if (is_seeded() && n == PARTS_RUN)
            return;
        run_group(w, next_group(w), is_seeded() ? 1 + drawn(STEPS) : ~(u64)0);
    }
}

} // namespace ptx
