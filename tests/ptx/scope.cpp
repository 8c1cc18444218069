#include "scope.h"

#include <cstdlib>

namespace ptx
{

void scope::refuse(const std::string &why) const
{
    ptx::refuse(*of, line_number, why);
}

u32 scope::new_row(u8 bytes)
{
    const u32 row = kernel->rows;
    kernel->rows += bytes == 8 ? 2 : 1;
    return row;
}

s32 scope::predicate(const std::string &word) const
{
    const auto found = predicates.find(word);
    if (found == predicates.end())
        refuse("not a predicate: " + word);
    return found->second;
}

u32 scope::immediate(u64 value, u8 bytes)
{
    const u64 cut = bytes == 8 ? value : value & (((u64)1 << (8 * bytes)) - 1);
    const auto found = immediates.find({cut, bytes});
    if (found != immediates.end())
        return found->second;
    const u32 row = new_row(bytes);
    kernel->immediates.push_back({row, bytes, cut});
    return immediates[{cut, bytes}] = row;
}

/* Integers, and floats as their bits: 0f3F800000, 0d3FF0000000000000. */
u64 scope::number(const std::string &word) const
{
    const bool is_float =
        word.size() > 2 && word[0] == '0' && std::string("fFdD").find(word[1]) != std::string::npos;
    const std::string digits = is_float ? "0x" + word.substr(2) : word;
    char *end = nullptr;
    const u64 value = word[0] == '-' ? (u64)std::strtoll(digits.c_str(), &end, 0)
                                     : std::strtoull(digits.c_str(), &end, 0);
    if (end == digits.c_str() || (*end != '\0' && *end != 'U'))
        refuse("neither declared nor a number: " + word);
    return value;
}

const variable *scope::find(const std::string &word) const
{
    const auto own = variables.find(word);
    if (own != variables.end())
        return &own->second;
    const auto found = of->variables.find(word);
    return found == of->variables.end() ? nullptr : &found->second;
}

u32 scope::operand(const std::string &word, u8 bytes)
{
    if (word == "_") /* nobody wants it */
        return new_row(bytes);
    const auto found = registers.find(word);
    if (found != registers.end()) {
        if (found->second.bytes != bytes)
            refuse("a register of another size: " + word);
        return found->second.row;
    }
    const variable *v = find(word);
    return immediate(v != nullptr ? v->base : number(word), bytes);
}

u8 scope::width_of(const std::string &word, u8 otherwise) const
{
    const auto found = registers.find(word);
    return found != registers.end() ? found->second.bytes : otherwise;
}

/* With a count, or as inline assembly does it: .reg .b32 low, high */
void scope::declare(const words &line)
{
    const std::string &type = line.at(1);
    const auto one = [&](const std::string &name) {
        if (type == ".pred") {
            predicates[name] = (s32)kernel->predicates++;
            return;
        }
        const u8 bytes = (u8)(std::atoi(type.c_str() + 2) / 8);
        if (bytes != 2 && bytes != 4 && bytes != 8)
            refuse("registers of an unknown type: " + type);
        registers[name] = {new_row(bytes), bytes};
    };
    if (line.size() == 6 && line[3] == "<") {
        for (int i = 0; i < std::atoi(line[4].c_str()); i++)
            one(line[2] + std::to_string(i));
        return;
    }
    for (size_t i = 2; i < line.size(); i++)
        if (line[i] != ",")
            one(line[i]);
}

} // namespace ptx
