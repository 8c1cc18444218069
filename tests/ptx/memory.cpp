/* Loads, stores and atomic additions, each of them checked: whether the address is inside of what
 * there is, whether it is aligned, whether what is read has been written, and whether others use it
 * at the same time. */
#include <algorithm>
#include <cstring>

#include "machine.h"

/* Of the driver in tests/emu, where it is linked in; elsewhere every address is taken as one. */
namespace fake
{
__attribute__((weak)) bool is_device_memory(uint64_t at, size_t size);
}

namespace ptx
{

namespace
{

u8 *shared_at(const warp &w, const instruction &i, u64 address, u32 bytes, u32 lane, bool stores)
{
    const u64 at = address - SHARED_BASE;
    if (address < SHARED_BASE || at + bytes > block.shared_bytes)
        fail(i, "lane %u uses %u bytes at %lld of shared memory, which has %u", lane, bytes,
             (long long)at, block.shared_bytes);
    if (stores) {
        std::memset(&block.shared_written[at], 1, bytes);
    } else {
        const u8 *written = &block.shared_written[at];
        if (std::find(written, written + bytes, 0) != written + bytes)
            fail(i, "lane %u reads shared memory at %llu, which nobody has written", lane,
                 (unsigned long long)at);
    }
    visit_shared(w, i, (u32)at, bytes, lane, stores);
    return &block.shared[at];
}

/* Parameters and constants are only read. */
void check_constant(const instruction &i, u64 address, u32 bytes)
{
    const auto is_in = [&](u64 from, u64 size) {
        return address >= from && address + bytes <= from + size;
    };
    const code &k = *block.of;
    bool inside = false;
    if (i.memory.where == PARAMETERS) {
        inside = is_in((u64)k.parameter_bytes.data(), k.parameter_bytes.size());
    } else {
        for (const auto &[from, size] : k.of->constant_ranges)
            inside |= is_in(from, size);
    }
    if (!inside)
        fail(i, "%u bytes outside of parameters or constants are read", bytes);
}

/* Of most instructions all addresses are in one allocation, which is quicker to look for. */
bool is_one_piece(const warp &w, const u64 *address, u32 bytes)
{
    u64 first = ~(u64)0, last = 0;
    each(w.running, [&](u32 l) {
        first = std::min(first, address[l]);
        last = std::max(last, address[l]);
    });
    return fake::is_device_memory(first, last - first + bytes);
}

void check_global(const warp &w, const instruction &i, const u64 *address, u32 bytes, bool stores)
{
    if (fake::is_device_memory != nullptr && !is_one_piece(w, address, bytes))
        each(w.running, [&](u32 l) {
            if (!fake::is_device_memory(address[l], bytes))
                fail(i, "lane %u uses %u bytes at %#llx, where no device memory is", l, bytes,
                     (unsigned long long)address[l]);
        });
    each(w.running, [&](u32 l) { visit_global(w, i, address[l], bytes, l, stores); });
}

/* Where each lane loads or stores. */
void find_addresses(warp &w, const instruction &i, u64 address[WARP])
{
    if (i.memory.wide_address) {
        const u64 *base = w.at<u64>(i.from[0]);
        each(w.running, [&](u32 l) { address[l] = base[l] + (u64)i.memory.offset; });
    } else {
        const u32 *base = w.at<u32>(i.from[0]);
        each(w.running, [&](u32 l) { address[l] = (u32)(base[l] + (u32)i.memory.offset); });
    }
}

/* The same in this process, checked. */
void find_memory(warp &w, const instruction &i, u8 *memory[WARP], bool stores)
{
    u64 address[WARP];
    const u32 bytes = (u32)i.memory.bytes * i.memory.elements;
    find_addresses(w, i, address);
    each(w.running, [&](u32 l) {
        if (address[l] % bytes != 0)
            fail(i, "lane %u uses %u bytes at %#llx, which is not aligned", l, bytes,
                 (unsigned long long)address[l]);
    });
    if (i.memory.where == SHARED) {
        each(w.running, [&](u32 l) { memory[l] = shared_at(w, i, address[l], bytes, l, stores); });
        return;
    }
    if (i.memory.where == GLOBAL)
        check_global(w, i, address, bytes, stores);
    else
        each(w.running, [&](u32 l) { check_constant(i, address[l], bytes); });
    each(w.running, [&](u32 l) { memory[l] = reinterpret_cast<u8 *>(address[l]); });
}

void set_register(warp &w, u32 row, u8 bytes, u32 lane, u64 value)
{
    if (bytes == 2)
        w.at<u16>(row)[lane] = (u16)value;
    else if (bytes == 4)
        w.at<u32>(row)[lane] = (u32)value;
    else
        w.at<u64>(row)[lane] = value;
}

u64 value_of(warp &w, u32 row, u8 bytes, u32 lane)
{
    return bytes == 2   ? w.at<u16>(row)[lane]
           : bytes == 4 ? w.at<u32>(row)[lane]
                        : w.at<u64>(row)[lane];
}

u64 loaded(const u8 *from, u32 bytes, bool is_signed)
{
    u64 x = 0;
    std::memcpy(&x, from, bytes);
    const u32 above = 64 - 8 * bytes;
    return is_signed ? (u64)((s64)(x << above) >> above) : x;
}

} // namespace

void load(warp &w, const instruction &i)
{
    const access &m = i.memory;
    u8 *from[WARP];
    find_memory(w, i, from, false);
    for (u32 v = 0; v < m.elements; v++)
        each(w.running, [&](u32 l) {
            set_register(w, i.to[v], i.bytes, l,
                         loaded(from[l] + v * m.bytes, m.bytes, m.is_signed));
        });
}

void store(warp &w, const instruction &i)
{
    const access &m = i.memory;
    u8 *to[WARP];
    find_memory(w, i, to, true);
    for (u32 v = 0; v < m.elements; v++)
        each(w.running, [&](u32 l) {
            const u64 x = value_of(w, i.from[1 + v], i.bytes, l);
            std::memcpy(to[l] + v * m.bytes, &x, m.bytes);
        });
}

/* Puts change(before, lane) for what is at each lane's address, one lane after the other. */
template <class Change> void change_memory(warp &w, const instruction &i, Change change)
{
    u8 *at[WARP];
    find_memory(w, i, at, true);
    each(w.running, [&](u32 l) {
        const u64 before = loaded(at[l], i.memory.bytes, false), after = change(before, l);
        std::memcpy(at[l], &after, i.memory.bytes);
        if (i.written != 0)
            set_register(w, i.to[0], i.bytes, l, before);
    });
}

void atomic_add(warp &w, const instruction &i)
{
    change_memory(w, i,
                  [&](u64 before, u32 l) { return before + value_of(w, i.from[1], i.bytes, l); });
}

void atomic_replace(warp &w, const instruction &i)
{
    change_memory(w, i, [&](u64 before, u32 l) {
        const u64 expected = value_of(w, i.from[1], i.bytes, l);
        return before == expected ? value_of(w, i.from[2], i.bytes, l) : before;
    });
}

} // namespace ptx
