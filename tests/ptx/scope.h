/* The names of a kernel while its text is read, and how a line of it becomes an instruction. */
#ifndef PARSEAL_TESTS_PTX_SCOPE_H
#define PARSEAL_TESTS_PTX_SCOPE_H

#include "machine.h"

namespace ptx
{

using words = std::vector<std::string>;

struct register_name {
    u32 row;
    u8 bytes;
};

struct scope {
    const program *of;
    code *kernel;
    std::map<std::string, register_name> registers;
    std::map<std::string, s32> predicates;
    std::map<std::pair<u64, u8>, u32> immediates;
    std::map<std::string, variable> variables;
    std::map<std::string, u32> labels;
    std::map<u32, std::string> jumps; /* instructions and where they go */
    u32 line_number = 0;

    [[noreturn]] void refuse(const std::string &why) const;
    u32 new_row(u8 bytes);
    s32 predicate(const std::string &word) const;
    u32 immediate(u64 value, u8 bytes);
    u64 number(const std::string &word) const;
    /* The row of an operand of so many bytes: a register, an immediate, an address. */
    u32 operand(const std::string &word, u8 bytes);
    const variable *find(const std::string &word) const;
    u8 width_of(const std::string &word, u8 otherwise) const;
    /* .reg .b32 %r<5> */
    void declare(const words &line);
    instruction decode(const words &line);
};

} // namespace ptx

#endif
