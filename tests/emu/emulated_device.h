/* kernels/cuda/device.h for kernels that are compiled as C++ and run by emulator.cpp. */
#ifndef PARSEAL_TESTS_EMULATED_DEVICE_H
#define PARSEAL_TESTS_EMULATED_DEVICE_H

#include <array>
#include <cstring>
#include <vector>

#include "kernels/common/target.h"

struct uint2 {
    u32 x, y;
};

struct alignas(16) uint4 {
    u32 x, y, z, w;
};

namespace emulated
{

enum { WARP = 32, WARPS_MAX = 32, EXCHANGED = 8 };

/* The thread that runs, and how often its block and each of its warps have met so far, over all
 * launches: what lies on either side of a meeting is in order. */
struct place {
    u32 thread, block, blocks, threads, dynamic_shared;
    u64 block_epoch, warp_epoch[WARPS_MAX], block_serial;
};
extern place here;

/* Ends the launch: the calling thread does not go on. */
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `line` tells apart what threads wait at. */
void meet_block(int line);
void meet_warp(int line);

/* Every lane gets n words of each. */
void warp_exchange(const u32 *own, u32 n, u32 all[WARP][EXCHANGED], int line = __builtin_LINE());

uint4 load16(const void *p);
void store16(void *p, uint4 v);
void check_aligned(const void *p, size_t alignment);

/* Who was at an element last, and when. */
struct visit {
    u32 thread;
    u64 block_epoch, warp_epoch;
};

enum : u32 { NOBODY = ~0u, MANY = ~0u - 1 };

/* Elements of shared memory, each with its last writer and readers. */
template <class T> class shared_array
{
  public:
    class element
    {
      public:
        element(shared_array &of, size_t at) : array(of), i(at)
        {
        }
        element(const element &) = default;
        operator T() const
        {
            return array.load(i);
        }
        const element &operator=(const T &value) const
        {
            array.store(i, value);
            return *this;
        }
        const element &operator=(const element &other) const
        {
            return *this = T(other);
        }
        const element &operator^=(const T &value) const
        {
            return *this = T(T(*this) ^ value);
        }
        const element &operator|=(const T &value) const
        {
            return *this = T(T(*this) | value);
        }
        const element &operator+=(const T &value) const
        {
            return *this = T(T(*this) + value);
        }

      private:
        shared_array &array;
        size_t i;
    };

    explicit shared_array(const char *called) : name(called)
    {
    }

    /* Each thread comes here first; a block's first one finds what nobody has written yet. */
    void enter(size_t count)
    {
        if (block_serial == here.block_serial)
            return;
        block_serial = here.block_serial;
        cells.assign(count, cell());
    }

    element operator[](size_t i)
    {
        return element(*this, i);
    }

  private:
    struct cell {
        T value;
        visit writer = {NOBODY, 0, 0};
        std::array<visit, WARPS_MAX> reader;
        cell()
        {
            std::memset(&value, 0xa5, sizeof value);
            reader.fill({NOBODY, 0, 0});
        }
    };

    cell &at(size_t i)
    {
        if (i >= cells.size())
            fail("%s[%zu] of %zu", name, i, cells.size());
        return cells[i];
    }

    static visit now()
    {
        return {here.thread, here.block_epoch, here.warp_epoch[here.thread / WARP]};
    }

    /* Whether nothing has put the visit, by a thread of that warp, before what the thread does now.
     */
    static bool unordered(const visit &v, u32 warp)
    {
        if (v.thread == NOBODY || v.thread == here.thread || v.block_epoch != here.block_epoch)
            return false;
        return warp != here.thread / WARP || v.warp_epoch == here.warp_epoch[warp];
    }

    void look_at_writer(size_t i, const visit &writer, const char *what) const
    {
        if (unordered(writer, writer.thread / WARP))
            fail("race: %s[%zu] is %s, which thread %u has written", name, i, what, writer.thread);
    }

    T load(size_t i)
    {
        cell &c = at(i);
        look_at_writer(i, c.writer, "read");
        visit &mine = c.reader[here.thread / WARP];
        const bool others = unordered(mine, here.thread / WARP);
        mine = now();
        if (others)
            mine.thread = MANY;
        return c.value;
    }

    void store(size_t i, const T &value)
    {
        cell &c = at(i);
        look_at_writer(i, c.writer, "written");
        for (u32 w = 0; w < WARPS_MAX; w++)
            if (unordered(c.reader[w], w))
                fail("race: %s[%zu] is written, which another thread of warp %u has read", name, i,
                     w);
        c.value = value;
        c.writer = now();
    }

    const char *name;
    std::vector<cell> cells;
    u64 block_serial = 0;
};

} // namespace emulated

#define KERNEL(threads, min_blocks) extern "C" void
#define SHARED(type, name, count)                    \
    static emulated::shared_array<type> name(#name); \
    name.enter(count)
#define DYNAMIC_SHARED(type, name) SHARED(type, name, emulated::here.dynamic_shared / sizeof(type))
#define CONSTANT                   static const
#define NO_UNROLL

inline u32 thread_id()
{
    return emulated::here.thread;
}

inline u32 lane_id()
{
    return emulated::here.thread % emulated::WARP;
}

inline u32 block_id()
{
    return emulated::here.block;
}

inline u32 block_count()
{
    return emulated::here.blocks;
}

inline u32 block_threads()
{
    return emulated::here.threads;
}

inline void block_sync(int line = __builtin_LINE())
{
    emulated::meet_block(line);
}

inline void warp_sync(int line = __builtin_LINE())
{
    emulated::meet_warp(line);
}

u32 warp_shuffle(u32 x, u32 lane, int line = __builtin_LINE());
u32 warp_shuffle_xor(u32 x, u32 mask, int line = __builtin_LINE());
u32 warp_ballot(u32 condition, int line = __builtin_LINE());
u32 warp_any(u32 condition, int line = __builtin_LINE());

inline u32 count_ones(u32 x)
{
    return (u32)__builtin_popcount(x);
}

inline void atomic_add64(u64 *p, u64 x)
{
    emulated::check_aligned(p, sizeof *p);
    *p += x;
}

#endif
