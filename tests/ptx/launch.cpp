/* Launches, and what tests/emu/launcher.h, emu/emulator.h and interpreter.h offer. The environment:
 *   PARSEAL_PTX=folder           all *.ptx of it are read before the first kernel is looked for
 *   PARSEAL_PTX_SEED=n           the order of lanes, warps and blocks (order.cpp); then races in
 *                                global memory are looked for, too
 *   PARSEAL_PTX_REPORT=folder    which instructions have run goes to a file of the process there
 *   PARSEAL_PTX_SPOIL=kernel:i   the i-th instruction of a kernel computes something else
 *                                (report.cpp)
 */
#include <dirent.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <sstream>

#include "emu/emulator.h"
#include "interpreter.h"
#include "machine.h"

namespace ptx
{

block_state block;

namespace
{

std::string error;
std::vector<std::unique_ptr<program>> programs;
std::vector<std::unique_ptr<code>> kernels;

emulated::thread_body bind(const emulated::kernel &of, void **args);

/* Refused texts leave nothing. */
void read_one(const std::string &name, const std::string &text)
{
    auto p = std::make_unique<program>();
    std::vector<std::unique_ptr<code>> found;
    p->name = name;
    read_text(*p, text, found);
    programs.push_back(std::move(p));
    for (auto &k : found) {
        k->handle = {k->name.c_str(), bind};
        kernels.insert(kernels.begin(), std::move(k));
    }
}

void read_folder(const std::string &folder)
{
    DIR *dir = opendir(folder.c_str());
    if (dir == nullptr)
        refuse("PARSEAL_PTX is no folder: " + folder);
    std::vector<std::string> names;
    while (const dirent *entry = readdir(dir)) {
        const std::string name = entry->d_name;
        if (name.size() > 4 && name.compare(name.size() - 4, 4, ".ptx") == 0)
            names.push_back(name);
    }
    closedir(dir);
    for (const std::string &name : names) {
        std::ifstream in(folder + "/" + name);
        std::stringstream text;
        text << in.rdbuf();
        read_one(name, text.str());
    }
}

void write_report()
{
    report(kernels, std::getenv("PARSEAL_PTX_REPORT"));
}

/* Without its kernels no test may go on, as a device without them would be taken for an old one. */
void read_environment()
{
    static bool done = false;
    if (done)
        return;
    done = true;
    try {
        if (const char *folder = std::getenv("PARSEAL_PTX"))
            read_folder(folder);
        if (const char *wish = std::getenv("PARSEAL_PTX_SPOIL"))
            spoil(kernels, wish);
    } catch (const failure &) {
        std::fprintf(stderr, "%s\n", error.c_str());
        std::_Exit(1);
    }
    if (std::getenv("PARSEAL_PTX_REPORT") != nullptr)
        std::atexit(write_report);
}

code *find(const std::string &name)
{
    read_environment();
    for (const auto &k : kernels)
        if (k->name == name)
            return k.get();
    return nullptr;
}

/* The bytes of the parameters, laid out as the kernel declares them, which a launch puts in
 * place. */
emulated::thread_body bind(const emulated::kernel &of, void **args)
{
    code *k = find(of.name);
    std::vector<u8> bytes(k->parameter_bytes.size());
    for (size_t i = 0; i < k->parameters.size(); i++)
        std::memcpy(&bytes[k->parameters[i].offset], args[i], k->parameters[i].bytes);
    return [=] { std::copy(bytes.begin(), bytes.end(), k->parameter_bytes.begin()); };
}

/* ---------------------------------------------------------------------------------- blocks -- */

void fill_rows(const code &k, warp &w)
{
    for (const filled_row &f : k.immediates) {
        for (u32 l = 0; l < WARP; l++)
            std::memcpy(w.at<u8>(f.row) + l * f.bytes, &f.value, f.bytes);
        w.written[f.row] = ALL_LANES;
    }
    const auto special = [&](u32 row, u32 value, u32 step) {
        for (u32 l = 0; l < WARP; l++)
            w.at<u32>(row)[l] = value + step * l;
        w.written[row] = ALL_LANES;
    };
    special(k.tid, w.id * WARP, 1);
    special(k.ctaid, block.id, 0);
    special(k.ntid, block.threads, 0);
    special(k.nctaid, block.blocks, 0);
    w.p[0] = w.p_written[0] = ALL_LANES;
}

void begin_warp(const code &k, warp &w)
{
    const u32 threads = block.threads - w.id * WARP;
    std::fill(w.written, w.written + k.rows, 0);
    std::fill(w.p_written, w.p_written + k.predicates, 0);
    fill_rows(k, w);
    w.alive = threads >= WARP ? ALL_LANES : (1u << threads) - 1;
    w.waiting = 0;
    w.epoch = 1;
    w.at_barrier = false;
    std::fill(w.pc, w.pc + WARP, 0);
    if (is_seeded())
        draw_parts(w);
}

/* One of those that can go on, or nullptr. */
warp *next_warp(std::vector<warp> &warps)
{
    std::vector<warp *> ready;
    for (warp &w : warps)
        if (w.alive != 0 && !w.at_barrier) {
            if (!is_seeded())
                return &w;
            ready.push_back(&w);
        }
    return ready.empty() ? nullptr : ready[drawn(ready.size())];
}

/* All that can wait at a barrier do, or have ended. Returns whether the barrier lets them go on. */
bool pass_barrier(const code &k, std::vector<warp> &warps)
{
    const auto waits = [](const warp &w) { return w.alive != 0; };
    const auto first = std::find_if(warps.begin(), warps.end(), waits);
    if (first == warps.end())
        return false;
    const u32 pc = first->pc[__builtin_ctz(first->alive)];
    for (warp &w : warps) {
        if (!waits(w))
            fail(k.list[pc - 1], "warp %u waits here, and warp %u has ended", first->id, w.id);
        if (w.pc[__builtin_ctz(w.alive)] != pc)
            fail(k.list[pc - 1], "warp %u waits here, and warp %u at another barrier", first->id,
                 w.id);
        w.at_barrier = false;
        if (is_seeded())
            draw_parts(w);
    }
    block.epoch++;
    return true;
}

void run_block(const code &k, std::vector<warp> &warps)
{
    std::fill(block.shared_written.begin(), block.shared_written.end(), 0);
    block.epoch++;
    for (warp &w : warps)
        begin_warp(k, w);
    do {
        while (warp *w = next_warp(warps))
            run_warp(*w);
    } while (pass_barrier(k, warps));
}

std::vector<warp> make_warps(code &k, u32 n)
{
    const size_t rows = (size_t)k.rows * ROW_BYTES;
    const size_t words = rows + sizeof(u32) * (k.rows + 2 * k.predicates);
    const size_t each_one = (words + ROW_BYTES - 1) / ROW_BYTES * ROW_BYTES;
    k.registers.assign(n * each_one + ROW_BYTES, 0xcd);
    u8 *from = k.registers.data();
    from += ROW_BYTES - (u64)from % ROW_BYTES;
    std::vector<warp> warps(n);
    for (u32 v = 0; v < n; v++) {
        warp &w = warps[v];
        w.id = v;
        w.rows = from + v * each_one;
        w.written = reinterpret_cast<u32 *>(w.rows + rows);
        w.p = w.written + k.rows;
        w.p_written = w.p + k.predicates;
    }
    return warps;
}

std::vector<u32> order_of_blocks(u32 n)
{
    std::vector<u32> order(n);
    std::iota(order.begin(), order.end(), 0);
    for (u32 i = n; is_seeded() && i > 1; i--)
        std::swap(order[i - 1], order[drawn(i)]);
    return order;
}

void run(code &k, u32 blocks, u32 threads, u32 dynamic_shared)
{
    if (threads == 0 || threads > k.threads_max || blocks == 0)
        refuse(k.name + ": " + std::to_string(blocks) + " blocks of " + std::to_string(threads) +
               " threads, of which it allows " + std::to_string(k.threads_max));
    begin_order();
    block.of = &k;
    block.threads = threads;
    block.blocks = blocks;
    block.shared_bytes = dynamic_shared != 0 ? k.dynamic_base + dynamic_shared : k.static_shared;
    block.shared.assign(block.shared_bytes, 0xa5);
    block.shared_written.assign(block.shared_bytes, 0);
    forget_visits(block.shared_bytes, is_seeded());
    k.launches++;
    if (is_seeded())
        k.seeded_blocks = std::max(k.seeded_blocks, blocks);
    std::vector<warp> warps = make_warps(k, (threads + WARP - 1) / WARP);
    for (const u32 id : order_of_blocks(blocks)) {
        block.id = id;
        k.blocks++;
        run_block(k, warps);
    }
}

} // namespace

void fail(const instruction &i, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    std::vsnprintf(text, sizeof text, format, list);
    va_end(list);
    const program &p = *block.of->of;
    const auto file = p.files.find(i.at.file);
    std::string source;
    if (file != p.files.end())
        source = " (" + file->second + ":" + std::to_string(i.at.source_line) + ")";
    error = block.of->name + ", block " + std::to_string(block.id) + ", " + p.name + ":" +
            std::to_string(i.at.line) + source + ": " + text;
    throw failure();
}

void refuse(const program &p, u32 line, const std::string &why)
{
    refuse(p.name + ":" + std::to_string(line) + ": " + why);
}

void refuse(const std::string &why)
{
    error = why;
    throw failure();
}

} // namespace ptx

/* ----------------------------------------------------------------------- what tests call -- */

namespace emulated
{

const kernel *find_kernel(const char *name)
{
    const ptx::code *k = ptx::find(name);
    return k == nullptr ? nullptr : &k->handle;
}

bool launch(const kernel &what, unsigned blocks, unsigned threads, unsigned dynamic_shared,
            const thread_body &parameters)
{
    try {
        ptx::error.clear();
        parameters();
        ptx::run(*ptx::find(what.name), blocks, threads, dynamic_shared);
        return true;
    } catch (const ptx::failure &) {
        return false;
    }
}

} // namespace emulated

int emulator_launch(const char *name, uint32_t blocks, uint32_t threads, uint32_t dynamic_shared,
                    void **args)
{
    const emulated::kernel *k = emulated::find_kernel(name);
    if (k != nullptr)
        return emulated::launch(*k, blocks, threads, dynamic_shared, k->bind(*k, args)) ? 0 : -1;
    ptx::error = std::string(name) + ": no such kernel";
    return -1;
}

int emulator_has(const char *name)
{
    return emulated::find_kernel(name) != nullptr;
}

const char *emulator_error(void)
{
    return ptx::error.c_str();
}

int interpreter_read(const char *name, const char *text)
{
    try {
        ptx::read_one(name, text);
        return 0;
    } catch (const ptx::failure &) {
        return -1;
    }
}

const char *interpreter_operation(size_t n)
{
    const auto &all = ptx::operations();
    return n < all.size() ? std::next(all.begin(), (std::ptrdiff_t)n)->first.c_str() : nullptr;
}

__attribute__((visibility("default"))) uint32_t interpreter_seeded_blocks(const char *kernel)
{
    const ptx::code *k = ptx::find(kernel);
    return k == nullptr ? 0 : k->seeded_blocks;
}
