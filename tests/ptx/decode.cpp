/* One instruction from its words. */
#include <cstdlib>
#include <sstream>

#include "scope.h"

namespace ptx
{

namespace
{

/* The words of the operands, one list for each; the bar of shfl's pair parts two as a comma
 * does. */
std::vector<words> operands_of(const words &line, size_t from)
{
    std::vector<words> list;
    int depth = 0;
    bool is_new = true;
    for (size_t i = from; i < line.size(); i++) {
        const std::string &word = line[i];
        depth += (word == "{" || word == "[") - (word == "}" || word == "]");
        if (depth == 0 && (word == "," || word == "|")) {
            is_new = true;
            continue;
        }
        if (is_new)
            list.emplace_back();
        is_new = false;
        list.back().push_back(word);
    }
    return list;
}

/* { a, b } or a */
words members_of(const words &operand)
{
    words list;
    for (const std::string &word : operand)
        if (word != "{" && word != "}" && word != ",")
            list.push_back(word);
    return list;
}

words parts_of(const std::string &name)
{
    words list;
    std::stringstream stream(name);
    for (std::string part; std::getline(stream, part, '.');)
        list.push_back(part);
    return list;
}

/* An instruction that comes to be. */
struct decoder {
    scope &names;
    std::string name;
    words parts; /* of the name */
    std::vector<words> operands;
    instruction i;

    [[noreturn]] void refuse(const std::string &why) const
    {
        names.refuse(name + ": " + why);
    }

    const words &operand(size_t n) const
    {
        if (n >= operands.size())
            refuse("too few operands");
        return operands[n];
    }

    void count(size_t n) const
    {
        if (operands.size() != n)
            refuse("another number of operands");
    }

    void write(const std::string &word, u8 bytes)
    {
        i.bytes = bytes;
        i.to[i.written++] = names.operand(word, bytes);
    }

    void read(const std::string &word, u8 bytes)
    {
        i.from[i.read++] = names.operand(word, bytes);
    }

    /* %p1, !%p1, or a number: the last as the predicate that is always true, or its opposite */
    void read_predicate(const words &operand)
    {
        condition &c = i.p[i.p[0].row < 0 ? 0 : 1];
        const bool is_number = names.predicates.count(operand.back()) == 0;
        c.inverted = is_number ? names.number(operand.back()) == 0 : operand[0] == "!";
        c.row = is_number ? 0 : names.predicate(operand.back());
    }

    /* [base], [base+4], [base+-4] */
    void address(const words &operand)
    {
        if (operand.size() < 3 || operand[0] != "[")
            refuse("no address where one should be");
        const std::string &base = operand[1];
        i.memory.wide_address = names.width_of(base, 8) == 8;
        if (names.registers.count(base) == 0 && names.find(base) == nullptr)
            refuse("an address of what? " + base);
        read(base, i.memory.wide_address ? 8 : 4);
        if (operand.size() == 5 && operand[2] == "+")
            i.memory.offset = (s64)names.number(operand[3]);
        else if (operand.size() != 3)
            refuse("an address of an unknown form");
    }

    void memory_qualifiers();
    void load_or_store();
    void atomics();
    void atomic(size_t values, void (*run)(warp &w, const instruction &i));
    void shuffle_of();
    void vote();
    void matrices();
    void halves();
    void block_barrier();
    void from_table();
    void decode();
};

void decoder::memory_qualifiers()
{
    static const std::map<std::string, space> spaces = {
        {"global", GLOBAL}, {"shared", SHARED}, {"param", PARAMETERS}, {"const", CONSTANTS}};
    const std::string &type = parts.back();
    bool known = false;
    for (size_t n = 1; n + 1 < parts.size(); n++) {
        const std::string &part = parts[n];
        const auto where = spaces.find(part);
        if (where != spaces.end()) {
            i.memory.where = where->second;
            known = true;
        } else if (part == "v2" || part == "v4") {
            i.memory.elements = (u8)(part[1] - '0');
        } else if (part != "cs" && part != "nc" && part != "volatile") { /* hints */
            refuse("unknown");
        }
    }
    i.memory.bytes = (u8)(std::atoi(type.c_str() + 1) / 8);
    i.memory.is_signed = type[0] == 's';
    if (!known || i.memory.bytes == 0 || std::string("usbf").find(type[0]) == std::string::npos)
        refuse("unknown");
}

void decoder::load_or_store()
{
    const bool loads = parts[0] == "ld";
    count(2);
    memory_qualifiers();
    if (!loads && i.memory.where != GLOBAL && i.memory.where != SHARED)
        refuse("unknown");
    const words values = members_of(operand(loads ? 0 : 1));
    if (values.size() != i.memory.elements)
        refuse("a vector of another size");
    address(operand(loads ? 1 : 0));
    const u8 bytes = names.width_of(values[0], std::max(i.memory.bytes, (u8)2));
    if (bytes < i.memory.bytes)
        refuse("a register of another size: " + values[0]);
    for (const std::string &value : values)
        loads ? write(value, bytes) : read(value, bytes);
    i.bytes = bytes;
    i.run = loads ? load : store;
}

/* atom and red: of the qualifiers all are as atomic here. */
void decoder::atomic(size_t values, void (*run)(warp &w, const instruction &i))
{
    const size_t n = parts[0] == "atom" ? 1 : 0;
    count(n + 1 + values);
    i.memory.bytes = 8;
    i.memory.is_atomic = true;
    if (n == 1)
        write(operand(0).at(0), 8);
    address(operand(n));
    for (size_t v = 0; v < values; v++)
        read(operand(n + 1 + v).at(0), 8);
    i.bytes = 8;
    i.run = run;
}

void decoder::shuffle_of()
{
    static const std::map<std::string, shuffle_mode> modes = {
        {"up", UP}, {"down", DOWN}, {"bfly", BUTTERFLY}, {"idx", INDEX}};
    const auto mode = modes.find(parts.size() == 4 ? parts[2] : "");
    if (mode == modes.end() || parts[1] != "sync" || parts[3] != "b32")
        refuse("unknown");
    const size_t first = operands.size() == 6 ? 2 : 1; /* of the sources */
    count(first + 4);
    i.what = WARP_EXCHANGE;
    i.run = shuffle;
    i.mode = mode->second;
    write(operand(0).at(0), 4);
    if (first == 2)
        i.sets = names.predicate(operand(1).at(0));
    for (size_t n = first; n < first + 4; n++)
        read(operand(n).at(0), 4);
}

void decoder::vote()
{
    static const std::map<std::string, function> kinds = {{"vote.sync.ballot.b32", vote_ballot},
                                                          {"vote.sync.any.pred", vote_any},
                                                          {"vote.sync.all.pred", vote_all}};
    const auto kind = kinds.find(name);
    if (kind == kinds.end())
        refuse("unknown");
    count(3);
    i.what = WARP_EXCHANGE;
    i.run = kind->second;
    if (i.run == vote_ballot)
        write(operand(0).at(0), 4);
    else
        i.sets = names.predicate(operand(0).at(0));
    read_predicate(operand(1));
    read(operand(2).at(0), 4);
}

void decoder::matrices()
{
    static const size_t sizes[] = {4, 4, 2, 4}; /* of D, A, B and C */
    count(4);
    i.what = WARP_EXCHANGE;
    i.run = mma_and_popc;
    for (size_t n = 0; n < 4; n++) {
        const words list = members_of(operand(n));
        if (list.size() != sizes[n])
            refuse("fragments of another size");
        for (const std::string &word : list)
            n == 0 ? write(word, 4) : read(word, 4);
    }
    read("0xffffffff", 4); /* who takes part */
}

/* mov.b64 %rd1, {%r1, %r2}, and back */
void decoder::halves()
{
    count(2);
    const bool packs = operand(1)[0] == "{";
    const words list = members_of(operand(packs ? 1 : 0));
    if (list.size() != 2)
        refuse("a vector of another size");
    if (packs) {
        write(operand(0).at(0), 8);
        i.run = join_halves;
    } else {
        read(operand(1).at(0), 8);
        i.run = part_halves;
    }
    for (const std::string &word : list)
        packs ? read(word, 4) : write(word, 4);
    i.bytes = packs ? 8 : 4;
}

void decoder::block_barrier()
{
    count(1);
    if (operand(0).at(0) != "0")
        refuse("a barrier of a part of the block");
    i.what = BLOCK_BARRIER;
}

void decoder::from_table()
{
    const auto found = operations().find(name);
    if (found == operations().end())
        refuse("unknown");
    const operation &is = found->second;
    count(is.from.size() + 1);
    i.run = is.run;
    if (is.to == 0)
        i.sets = names.predicate(operand(0).at(0));
    else
        write(operand(0).at(0), is.to);
    for (size_t n = 0; n < is.from.size(); n++)
        if (is.from[n] == 0)
            read_predicate(operand(n + 1));
        else
            read(operand(n + 1).at(0), is.from[n]);
}

void decoder::atomics()
{
    std::string rest = name;
    for (const std::string word : {".relaxed", ".gpu"}) { // what is meant where they are left out
        const size_t at = rest.find(word + ".");
        if (at != std::string::npos)
            rest.erase(at, word.size());
    }
    if (rest == "atom.global.add.u64" || rest == "red.global.add.u64")
        atomic(1, atomic_add);
    else if (rest == "atom.global.cas.b64")
        atomic(2, atomic_replace);
    else
        from_table();
}

void decoder::decode()
{
    const std::string &base = parts.at(0);
    if (name == "bra" || name == "bra.uni") {
        count(1);
        i.what = BRANCH;
        names.jumps[(u32)names.kernel->list.size()] = operand(0).at(0);
    } else if (name == "ret") {
        i.what = END;
    } else if (name == "bar.sync" || name == "barrier.sync.aligned") {
        block_barrier();
    } else if (name == "bar.warp.sync") {
        count(1);
        i.what = WARP_BARRIER;
        i.run = nothing;
        read(operand(0).at(0), 4);
    } else if (base == "shfl") {
        shuffle_of();
    } else if (base == "vote") {
        vote();
    } else if (name == "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc") {
        matrices();
    } else if (name == "mov.b64" && (operand(0)[0] == "{" || operand(1)[0] == "{")) {
        halves();
    } else if (base == "ld" || base == "st") {
        load_or_store();
    } else if (base == "atom" || base == "red") {
        atomics();
    } else {
        from_table();
    }
}

} // namespace

instruction scope::decode(const words &line_words)
{
    size_t at = 0;
    condition guard;
    if (line_words[at] == "@") {
        guard.inverted = line_words.at(++at) == "!";
        at += guard.inverted;
        guard.row = predicate(line_words.at(at++));
    }
    decoder d{
        *this, line_words.at(at), parts_of(line_words[at]), operands_of(line_words, at + 1), {}};
    d.decode();
    d.i.guard = guard;
    return d.i;
}

} // namespace ptx
