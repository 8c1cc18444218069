/* Reads PTX as nvcc writes it: directives and labels have a line each, and a line with several
 * statements is one of inline assembly. What is not known is refused, and not passed over. */
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <sstream>

#include "scope.h"

namespace ptx
{

namespace
{

words words_of(const std::string &line)
{
    words list;
    const auto is_inside = [&](size_t at, size_t from) {
        return std::isalnum((unsigned char)line[at]) != 0 ||
               std::string("_$%.").find(line[at]) != std::string::npos ||
               (line[at] == '-' && at == from);
    };
    for (size_t i = 0; i < line.size();) {
        if (std::isspace((unsigned char)line[i]) != 0) {
            i++;
            continue;
        }
        size_t end = i;
        while (end < line.size() && is_inside(end, i))
            end++;
        end += end == i;
        list.push_back(line.substr(i, end - i));
        i = end;
    }
    return list;
}

u64 aligned(u64 at, u64 alignment)
{
    return (at + alignment - 1) / alignment * alignment;
}

/* .align 8 .b8 name[32], or .u64 .ptr .align 1 name: what is after .ptr is not of the variable. */
struct declaration {
    std::string name;
    u64 bytes = 1, alignment = 0;
};

declaration declared(const words &line, size_t from)
{
    declaration d;
    u64 element = 1, count = 1;
    bool is_pointer = false;
    for (size_t i = from; i < line.size(); i++) {
        const std::string &word = line[i];
        if (word == ".ptr") {
            is_pointer = true;
        } else if (word == ".align" && i + 1 < line.size()) {
            const u64 n = std::strtoull(line[++i].c_str(), nullptr, 10);
            d.alignment = is_pointer ? d.alignment : n;
        } else if (word.size() > 2 && word[0] == '.' && std::isdigit((unsigned char)word[2]) != 0) {
            element = std::strtoull(word.c_str() + 2, nullptr, 10) / 8;
        } else if (word == "[") {
            count = i + 1 < line.size() ? std::strtoull(line[i + 1].c_str(), nullptr, 10) : 0;
            break;
        } else if (word[0] != '.' && word != "," && word != ";") {
            d.name = word;
        }
    }
    d.bytes = element * count;
    d.alignment = std::max(d.alignment, element);
    return d;
}

struct reader {
    program &p;
    std::vector<std::unique_ptr<code>> &kernels;
    scope names;
    place at;
    enum { OUTSIDE, PARAMETER_LIST, BODY, DEBUG_SECTION } where = OUTSIDE;

    reader(program &of, std::vector<std::unique_ptr<code>> &to)
        : p(of), kernels(to), names(of_names())
    {
    }

    scope of_names() const
    {
        scope s;
        s.of = &p;
        s.kernel = nullptr;
        return s;
    }

    void line(const std::string &text);
    void outside(const words &line);
    void constant(const words &line);
    void begin_kernel(const std::string &name);
    void in_head(const words &line);
    void in_body(words line);
    void shared_array(const words &line);
    void statement(const words &line);
    void end_kernel();
    void file_name(const std::string &text, const words &line);
};

/* .file 1 "/folder/kernels/cuda/mask.cu" */
void reader::file_name(const std::string &text, const words &line)
{
    const size_t from = text.find('"') + 1;
    const std::string name = text.substr(from, text.find('"', from) - from);
    const size_t folder = name.rfind("kernels/");
    p.files[(u32)std::atoi(line.at(1).c_str())] =
        folder == std::string::npos ? name : name.substr(folder);
}

void reader::line(const std::string &text)
{
    at.line++;
    names.line_number = at.line;
    const words line = words_of(text.substr(0, text.find("//")));
    if (line.empty()) {
        return;
    } else if (line[0] == ".file") {
        file_name(text, line);
    } else if (line[0] == ".loc" && line.size() >= 3) {
        at.file = (u32)std::atoi(line[1].c_str());
        at.source_line = (u32)std::atoi(line[2].c_str());
    } else if (where == OUTSIDE) {
        outside(line);
    } else if (where == PARAMETER_LIST) {
        in_head(line);
    } else if (where == DEBUG_SECTION) {
        where = line[0] == "}" ? OUTSIDE : DEBUG_SECTION;
    } else {
        in_body(line);
    }
}

void reader::outside(const words &line)
{
    static const words known = {".version", ".target", ".address_size"};
    const auto entry = std::find(line.begin(), line.end(), ".entry");
    if (entry != line.end() && entry + 1 != line.end()) {
        begin_kernel(entry[1]);
    } else if (line[0] == ".const") {
        constant(line);
    } else if (line[0] == ".extern" && line.size() > 2 && line[1] == ".shared") {
        const declaration d = declared(line, 2);
        p.dynamic_name = d.name;
        p.dynamic_align = d.alignment;
    } else if (line[0] == ".section") {
        where = DEBUG_SECTION;
    } else if (std::find(known.begin(), known.end(), line[0]) == known.end()) {
        names.refuse("unknown: " + line[0]);
    }
}

void reader::constant(const words &line)
{
    const declaration d = declared(line, 1);
    auto bytes = std::make_unique<u8[]>(d.bytes + d.alignment);
    u8 *from = reinterpret_cast<u8 *>(aligned((u64)bytes.get(), d.alignment));
    const auto open = std::find(line.begin(), line.end(), "{");
    u64 n = 0;
    for (auto word = open; word != line.end() && *word != "}"; word++)
        if (*word != "{" && *word != ",") {
            if (n == d.bytes)
                names.refuse("more bytes than the constant has");
            from[n++] = (u8)names.number(*word);
        }
    if (open != line.end() && n != d.bytes)
        names.refuse("fewer bytes than the constant has");
    p.variables[d.name] = {(u64)from, CONSTANTS};
    p.constant_ranges.push_back({(u64)from, d.bytes});
    p.constants.push_back(std::move(bytes));
}

void reader::begin_kernel(const std::string &name)
{
    kernels.push_back(std::make_unique<code>());
    code &k = *kernels.back();
    k.name = name;
    k.of = &p;
    names = of_names();
    names.kernel = &k;
    k.predicates = 1; /* the first is always true */
    const auto special = [&](const char *of) {
        const u32 row = names.new_row(4);
        names.registers[of] = {row, 4};
        return row;
    };
    k.tid = special("%tid.x");
    k.ctaid = special("%ctaid.x");
    k.ntid = special("%ntid.x");
    k.nctaid = special("%nctaid.x");
    where = PARAMETER_LIST;
}

void reader::in_head(const words &line)
{
    code &k = *names.kernel;
    if (line[0] == ".param") {
        const declaration d = declared(line, 1);
        const u32 offset = (u32)aligned(k.parameter_bytes.size(), d.alignment);
        k.parameters.push_back({d.name, offset, (u32)d.bytes});
        k.parameter_bytes.resize(offset + d.bytes);
    } else if (line[0] == ".maxntid" && line.size() > 1) {
        k.threads_max = (u32)std::atoi(line[1].c_str());
    } else if (line[0] == "{") {
        for (const parameter &one : k.parameters)
            names.variables[one.name] = {(u64)k.parameter_bytes.data() + one.offset, PARAMETERS};
        where = BODY;
    } else if (line[0] != ")" && line[0] != ".minnctapersm") {
        names.refuse("unknown: " + line[0]);
    }
}

/* Shared memory: the arrays of the kernel, and behind them the one whose size a launch gives. */
void reader::shared_array(const words &line)
{
    code &k = *names.kernel;
    const declaration d = declared(line, 1);
    k.static_shared = (u32)aligned(k.static_shared, d.alignment);
    names.variables[d.name] = {SHARED_BASE + k.static_shared, SHARED};
    k.static_shared += (u32)d.bytes;
}

void reader::in_body(words line)
{
    if (line[0] == "}" && line.size() == 1) {
        end_kernel();
        return;
    }
    if (line.size() == 2 && line[1] == ":") {
        names.labels[line[0]] = (u32)names.kernel->list.size();
        return;
    }
    if (line[0] == ".shared") {
        if (!names.kernel->list.empty())
            names.refuse("shared memory is declared behind instructions");
        shared_array(line);
        return;
    }
    if (line[0] == "{" && line.back() == "}") { /* { .reg .b32 low; mov.b64 {low, %r1}, %rd1; } */
        line.pop_back();
        line.erase(line.begin());
    }
    words one;
    for (const std::string &word : line) {
        if (word != ";") {
            one.push_back(word);
            continue;
        }
        if (!one.empty())
            statement(one);
        one.clear();
    }
    if (!one.empty())
        names.refuse("no semicolon ends it");
}

void reader::statement(const words &line)
{
    code &k = *names.kernel;
    if (line[0] == ".pragma")
        return;
    if (line[0] == ".reg") {
        names.declare(line);
        return;
    }
    if (!p.dynamic_name.empty() && names.variables.count(p.dynamic_name) == 0) {
        k.dynamic_base = (u32)aligned(k.static_shared, p.dynamic_align);
        names.variables[p.dynamic_name] = {SHARED_BASE + k.dynamic_base, SHARED};
    }
    instruction i = names.decode(line);
    i.at = at;
    k.list.push_back(i);
}

void reader::end_kernel()
{
    code &k = *names.kernel;
    for (const auto &[index, label] : names.jumps) {
        if (names.labels.count(label) == 0)
            names.refuse("no label " + label);
        k.list[index].target = names.labels[label];
    }
    if (k.list.empty() || k.list.back().what != END) { /* a label may stand behind all of it */
        instruction end;
        end.what = END;
        end.at = at;
        k.list.push_back(end);
    }
    where = OUTSIDE;
}

} // namespace

void read_text(program &p, const std::string &text, std::vector<std::unique_ptr<code>> &kernels)
{
    reader r(p, kernels);
    std::stringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        r.line(line);
    if (r.where != reader::OUTSIDE)
        r.names.refuse("the text ends in a kernel");
}

} // namespace ptx
