/* Who has used memory last, and whether anything orders that before who uses it now. Two threads
 * race that use the same memory, one of them to write, where between them is no barrier of their
 * block, nor of their warp if they are of one; threads of two blocks always do, unless both uses
 * are atomic. */
#include <unordered_map>

#include "machine.h"

namespace ptx
{

namespace
{

enum : u32 { NOBODY = ~0u, SEVERAL = ~0u - 1 };
enum { PAGE = 4096 };

struct visit {
    u32 block = NOBODY, warp = 0, thread = 0;
    u32 block_epoch = 0, warp_epoch = 0;
    bool is_atomic = false;
};

struct visits {
    visit writer, reader;
};

using page = std::vector<visits>; /* one for each byte */

std::vector<visits> shared;           /* one for each word: kernels use no smaller pieces */
std::unordered_map<u64, page> global; /* by address / PAGE */
bool watches_global;

bool unordered(const visit &before, const visit &now)
{
    if (before.block == NOBODY || (before.is_atomic && now.is_atomic))
        return false;
    if (before.block != now.block)
        return true;
    if (before.block_epoch != now.block_epoch || before.thread == now.thread)
        return false;
    return before.warp != now.warp || before.warp_epoch == now.warp_epoch;
}

/* Readers that nothing orders become one of which it is only known what they have in common. */
void join_readers(visit &reader, const visit &now)
{
    const visit before = reader;
    reader = now;
    if (!unordered(before, now))
        return;
    reader.thread = SEVERAL;
    if (before.warp != now.warp || before.block != now.block)
        reader.warp = SEVERAL;
    if (before.block != now.block)
        reader.block = SEVERAL;
}

const char *who(const visit &other, const visit &now)
{
    return other.block != now.block ? "a thread of another block" : "another thread";
}

void visit_one(visits &of, const visit &now, const instruction &i, const char *memory, bool stores)
{
    if (unordered(of.writer, now))
        fail(i, "race: %s memory is %s, which %s has written", memory, stores ? "written" : "read",
             who(of.writer, now));
    if (!stores) {
        join_readers(of.reader, now);
        return;
    }
    if (unordered(of.reader, now))
        fail(i, "race: %s memory is written, which %s has read", memory, who(of.reader, now));
    of.writer = now;
}

visit visit_of(const warp &w, const instruction &i, u32 lane)
{
    visit now;
    now.warp = w.id;
    now.thread = w.id * WARP + lane;
    now.block_epoch = block.epoch;
    now.warp_epoch = w.epoch;
    now.is_atomic = i.memory.is_atomic;
    return now;
}

} // namespace

void forget_visits(u32 shared_bytes, bool global_too)
{
    shared.assign(shared_bytes / 4 + 1, visits());
    global.clear();
    watches_global = global_too;
}

void visit_shared(const warp &w, const instruction &i, u32 at, u32 bytes, u32 lane, bool stores)
{
    visit now = visit_of(w, i, lane);
    now.block = 0; /* no other block has this memory */
    for (u32 word = at / 4; word < (at + bytes + 3) / 4; word++)
        visit_one(shared[word], now, i, "shared", stores);
}

void visit_global(const warp &w, const instruction &i, u64 at, u32 bytes, u32 lane, bool stores)
{
    if (!watches_global)
        return;
    visit now = visit_of(w, i, lane);
    now.block = block.id;
    page &of = global[at / PAGE]; /* an aligned access is in one page */
    if (of.empty())
        of.resize(PAGE);
    for (u32 k = 0; k < bytes; k++)
        visit_one(of[at % PAGE + k], now, i, "global", stores);
}

} // namespace ptx
