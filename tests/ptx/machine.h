/* What the interpreter works on: a kernel as a list of instructions, and a block of warps whose
 * registers hold one value for each of 32 lanes. */
#ifndef PARSEAL_TESTS_PTX_MACHINE_H
#define PARSEAL_TESTS_PTX_MACHINE_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "emu/launcher.h"

namespace ptx
{

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using s16 = int16_t;
using s32 = int32_t;
using s64 = int64_t;

/* SHARED_BASE is not 0, so that an address that was forgotten is none of shared memory. */
enum { WARP = 32, ROW_BYTES = 128, SHARED_BASE = 1024 };
enum : u32 { ALL_LANES = 0xffffffff };

/* How lanes go on that come to an instruction. */
enum flow : u8 { NEXT, BRANCH, END, WARP_EXCHANGE, WARP_BARRIER, BLOCK_BARRIER };
enum space : u8 { GLOBAL, SHARED, PARAMETERS, CONSTANTS };

struct warp;
struct instruction;
using function = void (*)(warp &, const instruction &);

/* A predicate that is read. */
struct condition {
    s32 row = -1; /* -1: there is none */
    bool inverted = false;
};

/* What a load, a store or an atomic operation does to memory. */
struct access {
    space where = GLOBAL;
    u8 bytes = 0, elements = 1; /* of an element; of a vector */
    bool is_signed = false, is_atomic = false, wide_address = true;
    s64 offset = 0;
};

struct place {
    u32 line = 0;                  /* of the PTX */
    u32 file = 0, source_line = 0; /* of the source, where -lineinfo has been given */
};

struct instruction {
    function run = nullptr;
    flow what = NEXT;
    condition guard, p[2];
    s32 sets = -1; /* a predicate */
    u8 written = 0, read = 0;
    u32 to[4] = {}, from[12] = {}; /* rows of the registers that are written and read */
    u8 bytes = 4;                  /* of a register that is written, or that is stored */
    u8 mode = 0;                   /* of a shuffle */
    access memory;
    u32 target = 0;
    place at;
    mutable u64 count = 0;
};

/* A name for memory: a parameter, a constant, an array in shared memory. */
struct variable {
    u64 base;
    space where;
};

/* A file of PTX. */
struct program {
    std::string name;
    std::map<u32, std::string> files;
    std::map<std::string, variable> variables;
    std::vector<std::unique_ptr<u8[]>> constants;
    std::vector<std::pair<u64, u64>> constant_ranges; /* address, bytes */
    std::string dynamic_name; /* of the array that a launch gives its size */
    u64 dynamic_align = 16;
};

struct parameter {
    std::string name;
    u32 offset, bytes;
};

/* A row of registers that holds the same in all lanes of all warps. */
struct filled_row {
    u32 row;
    u8 bytes;
    u64 value;
};

struct code {
    std::string name;
    emulated::kernel handle;
    program *of;
    std::vector<parameter> parameters;
    std::vector<u8> parameter_bytes;
    std::vector<instruction> list;
    std::vector<filled_row> immediates;
    u32 rows = 0, predicates = 0, static_shared = 0, dynamic_base = 0, threads_max = 1024;
    u32 tid = 0, ctaid = 0, ntid = 0, nctaid = 0; /* rows */
    u64 launches = 0, blocks = 0, steps = 0;
    u32 seeded_blocks = 0;     /* the most of a launch in a seeded order */
    std::vector<u8> registers; /* of all warps */
};

/* Of a warp that runs, and so of one of its lanes. */
enum : u8 { PARTS = 4 };

struct warp {
    u32 id; /* in its block */
    u8 *rows;
    u32 *written; /* by row: the lanes that have written it */
    u32 *p, *p_written;
    u32 running; /* the lanes of the instruction that is run */
    u32 alive, waiting;
    u32 pc[WARP];
    u32 part[PARTS]; /* lanes that run apart from the others */
    u32 epoch;       /* grows with each barrier of the warp */
    bool at_barrier;

    template <class T> T *at(u32 row)
    {
        return reinterpret_cast<T *>(rows + (size_t)row * ROW_BYTES);
    }
};

/* The block that is run. */
struct block_state {
    code *of = nullptr;
    u32 id = 0, threads = 0, blocks = 0;
    u32 epoch = 1; /* grows with each barrier of the block */
    u32 shared_bytes = 0;
    std::vector<u8> shared, shared_written;
};

extern block_state block;

/* An instruction that did what none may ends its launch. */
struct failure {
};

[[noreturn]] __attribute__((format(printf, 2, 3))) void fail(const instruction &i,
                                                             const char *format, ...);
/* Text that is no PTX, or none that is known here. */
[[noreturn]] void refuse(const program &p, u32 line, const std::string &why);
[[noreturn]] void refuse(const std::string &why);

/* Calls f with each lane of a set. */
template <class F> inline __attribute__((always_inline)) void each(u32 lanes, F f)
{
    if (lanes == ALL_LANES) {
        for (u32 l = 0; l < WARP; l++)
            f(l);
    } else {
        for (; lanes != 0; lanes &= lanes - 1)
            f((u32)__builtin_ctz(lanes));
    }
}

inline u32 lanes_where(const warp &w, const condition &c)
{
    return c.inverted ? ~w.p[c.row] : w.p[c.row];
}

inline void set_predicate(warp &w, s32 row, u32 lanes)
{
    w.p[row] = (w.p[row] & ~w.running) | (lanes & w.running);
}

/* An operation of the table: how wide its operands are in bytes, 0 for a predicate. */
struct operation {
    function run;
    u8 to;
    std::vector<u8> from;
};

const std::map<std::string, operation> &operations();

/* What is no row of the table. */
void nothing(warp &w, const instruction &i);
void join_halves(warp &w, const instruction &i);
void part_halves(warp &w, const instruction &i);

/* together.cpp and memory.cpp */
enum shuffle_mode : u8 { UP, DOWN, BUTTERFLY, INDEX };
void shuffle(warp &w, const instruction &i);
void vote_ballot(warp &w, const instruction &i);
void vote_any(warp &w, const instruction &i);
void vote_all(warp &w, const instruction &i);
void mma_and_popc(warp &w, const instruction &i);
void load(warp &w, const instruction &i);
void store(warp &w, const instruction &i);
void atomic_add(warp &w, const instruction &i);
void atomic_replace(warp &w, const instruction &i);

/* races.cpp. A launch begins; a block begins; a lane uses memory. */
void forget_visits(u32 shared_bytes, bool global_too);
void visit_shared(const warp &w, const instruction &i, u32 at, u32 bytes, u32 lane, bool stores);
void visit_global(const warp &w, const instruction &i, u64 at, u32 bytes, u32 lane, bool stores);

/* order.cpp. Without PARSEAL_PTX_SEED lanes stay together and warps run in their order. */
void begin_order();
bool is_seeded();
u64 drawn(u64 below);
void draw_parts(warp &w);

/* warp.cpp. Runs until all that is left of the warp waits at a barrier of the block or has ended,
 * or where the order is seeded for a while. */
void run_warp(warp &w);

/* text.cpp. Appends the kernels of a text. */
void read_text(program &p, const std::string &text, std::vector<std::unique_ptr<code>> &kernels);

/* The instructions that a test spoils, and which have run: report.cpp. */
void spoil(const std::vector<std::unique_ptr<code>> &kernels, const std::string &wish);
void report(const std::vector<std::unique_ptr<code>> &kernels, const std::string &folder);

} // namespace ptx

#endif
