/* kernels/cuda/device.h for kernels that are compiled as C++ and run by emulator.cpp. */
#ifndef PARSEAL_TESTS_EMULATED_DEVICE_H
#define PARSEAL_TESTS_EMULATED_DEVICE_H

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
    u64 block_epoch, warp_epoch[WARPS_MAX];
    u64 first_epoch; /* of this block */
};
extern place here;

/* Where a kernel calls what takes one: as a default argument it is the caller's place. */
struct source {
    const char *file;
    int line;
    source(const char *f = __builtin_FILE(), int l = __builtin_LINE()) : file(f), line(l)
    {
    }
    bool operator==(const source &other) const
    {
        return line == other.line && std::strcmp(file, other.file) == 0;
    }
};

/* Ends the launch: the calling thread does not go on. */
[[noreturn]] void fail(const source &at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* `at` tells apart what threads wait at. */
void meet_block(const source &at);
void meet_warp(const source &at);

/* Every lane gets n words of each. */
void warp_exchange(const u32 *own, u32 n, u32 all[WARP][EXCHANGED], const source &at = source());

uint4 load16(const void *p, const source &at = source());
void store16(void *p, uint4 v, const source &at = source());
void check_aligned(const void *p, size_t alignment, const source &at = source());

/* The last visit of an element by a thread, or by several that nothing has put in order. */
struct visit {
    u32 thread = MANY, warp = MANY;
    u64 block_epoch = 0, warp_epoch = 0;
    enum : u32 { MANY = ~0u };

    static visit now()
    {
        visit v;
        v.thread = here.thread;
        v.warp = here.thread / WARP;
        v.block_epoch = here.block_epoch;
        v.warp_epoch = here.warp_epoch[v.warp];
        return v;
    }

    /* Whether other threads' part in it is not before what the thread does now. */
    bool unordered(const visit &now) const
    {
        if (block_epoch != now.block_epoch || thread == now.thread)
            return false;
        return warp != now.warp || warp_epoch == now.warp_epoch;
    }

    void join(const visit &now)
    {
        const visit before = *this;
        *this = now;
        if (before.unordered(now)) {
            thread = MANY;
            warp = before.warp == now.warp ? now.warp : u32(MANY);
        }
    }
};

/* An index, and where it is used. */
struct index {
    size_t i;
    source at;
    template <class Integer>
    index(Integer value, const source &where = source()) : i((size_t)value), at(where)
    {
    }
};

/* Elements of shared memory, each with its last writer and readers. */
template <class T> class shared_array
{
  public:
    class element
    {
      public:
        element(shared_array &of, const index &which) : array(of), where(which)
        {
        }
        element(const element &) = default;
        operator T() const
        {
            return array.load(where);
        }
        const element &operator=(const T &value) const
        {
            array.store(where, value);
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
        const index where;
    };

    explicit shared_array(const char *called) : name(called)
    {
    }

    /* Each thread comes here first. What earlier blocks have left is told by its epochs. */
    void enter(size_t count)
    {
        if (cells.size() != count)
            cells.resize(count);
    }

    element operator[](const index &which)
    {
        return element(*this, which);
    }

  private:
    struct cell {
        T value;
        visit writer, reader;
    };

    cell &find(const index &which)
    {
        if (which.i >= cells.size())
            fail(which.at, "%s[%zu] of %zu", name, which.i, cells.size());
        return cells[which.i];
    }

    void look_at_writer(const index &which, const visit &writer, const visit &now, const char *what)
    {
        if (writer.unordered(now))
            fail(which.at, "race: %s[%zu] is %s, which thread %u has written", name, which.i, what,
                 writer.thread);
    }

    T load(const index &which)
    {
        cell &c = find(which);
        const visit now = visit::now();
        if (c.writer.block_epoch < here.first_epoch)
            fail(which.at, "%s[%zu] is read, which nobody has written", name, which.i);
        look_at_writer(which, c.writer, now, "read");
        c.reader.join(now);
        return c.value;
    }

    void store(const index &which, const T &value)
    {
        cell &c = find(which);
        const visit now = visit::now();
        look_at_writer(which, c.writer, now, "written");
        if (c.reader.unordered(now))
            fail(which.at, "race: %s[%zu] is written, which another thread has read", name,
                 which.i);
        c.value = value;
        c.writer = now;
    }

    const char *name;
    std::vector<cell> cells;
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

inline void block_sync(const emulated::source &at = emulated::source())
{
    emulated::meet_block(at);
}

inline void warp_sync(const emulated::source &at = emulated::source())
{
    emulated::meet_warp(at);
}

u32 warp_shuffle(u32 x, u32 lane, const emulated::source &at = emulated::source());
u32 warp_shuffle_xor(u32 x, u32 mask, const emulated::source &at = emulated::source());
u32 warp_ballot(u32 condition, const emulated::source &at = emulated::source());
u32 warp_any(u32 condition, const emulated::source &at = emulated::source());

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
