/* What tests of tests ask: which instructions have run, and what happens if one computes
 * wrongly. */
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "machine.h"

namespace ptx
{

/* A line for each kernel that was launched: "kernel", its name, launches, blocks, instructions of
 * warps. Behind it one for each of its instructions: how often it has run, its line in the PTX, and
 * its line in the source where the PTX names it. coverage.py adds these up. */
void report(const std::vector<std::unique_ptr<code>> &kernels, const std::string &folder)
{
    const std::string name = folder + "/" + std::to_string(getpid()) + ".txt";
    FILE *out = std::fopen(name.c_str(), "w");
    if (out == nullptr) {
        std::fprintf(stderr, "%s cannot be written\n", name.c_str());
        std::_Exit(1);
    }
    for (const auto &k : kernels) {
        if (k->launches == 0)
            continue;
        std::fprintf(out, "kernel %s %llu %llu %llu\n", k->name.c_str(),
                     (unsigned long long)k->launches, (unsigned long long)k->blocks,
                     (unsigned long long)k->steps);
        for (const instruction &i : k->list) {
            const auto file = k->of->files.find(i.at.file);
            std::fprintf(out, "%llu %s:%u %s:%u\n", (unsigned long long)i.count,
                         k->of->name.c_str(), i.at.line,
                         file == k->of->files.end() ? "?" : file->second.c_str(), i.at.source_line);
        }
    }
    std::fclose(out);
}

namespace
{

/* Every third lane: a sum over the bits of all lanes would not show that all of them are wrong. */
u32 spoilt_lanes = 0x49249249;
function spoilt;

void invert(warp &w, u32 row, u8 bytes)
{
    each(w.running & spoilt_lanes, [&](u32 l) {
        u8 *value = w.at<u8>(row) + l * bytes;
        for (u8 k = 0; k < bytes; k++)
            value[k] ^= 0xff;
    });
}

void run_spoilt(warp &w, const instruction &i)
{
    const bool stores = i.written == 0 && i.sets < 0 && i.read > 1;
    if (stores)
        invert(w, i.from[1], i.bytes);
    spoilt(w, i);
    if (stores)
        invert(w, i.from[1], i.bytes);
    else if (i.written != 0)
        invert(w, i.to[i.written - 1], i.bytes); /* The first may be one that nobody wants. */
    else if (i.sets >= 0)
        w.p[i.sets] ^= w.running & spoilt_lanes;
}

} // namespace

/* kernel:i, kernel:i:1 or kernel:i:2 (from lane 0, 1 or 2 on): what the i-th instruction writes, to
 * a register or to memory, is inverted in every third lane; of a branch the condition is, in
 * all. */
void spoil(const std::vector<std::unique_ptr<code>> &kernels, const std::string &wish)
{
    const size_t colon = wish.find(':');
    for (const auto &k : kernels) {
        const size_t index = (size_t)std::atoll(wish.c_str() + colon + 1);
        if (k->name != wish.substr(0, colon))
            continue;
        if (index >= k->list.size())
            break;
        const size_t second = wish.find(':', colon + 1);
        if (second != std::string::npos)
            spoilt_lanes <<= std::atoi(wish.c_str() + second + 1);
        instruction &i = k->list[index];
        if (i.run != nullptr) {
            spoilt = i.run;
            i.run = run_spoilt;
        } else {
            i.guard.inverted = !i.guard.inverted;
        }
        return;
    }
    refuse("no such instruction: " + wish);
}

} // namespace ptx
