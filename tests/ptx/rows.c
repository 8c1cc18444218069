#include "rows.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "emu/emulator.h"
#include "interpreter.h"

enum { OPERANDS_MAX = 5, CASES_MAX = 32, LANES = 32, NAME_MAX = 64, TEXT_MAX = 4096 };

typedef struct {
    char name[NAME_MAX];
    size_t operands, cases; /* the last operand is the result */
    unsigned bits[OPERANDS_MAX];
    uint64_t value[CASES_MAX][OPERANDS_MAX];
} row;

static unsigned bits_of(size_t digits)
{
    return digits == 1 ? 1 : 4 * (unsigned)digits;
}

static row parsed(const char *line)
{
    row r = {.operands = 0};
    const char *colon = strchr(line, ':');
    assert_non_null(colon);
    snprintf(r.name, sizeof r.name, "%.*s", (int)(colon - line), line);
    size_t operand = 0;
    for (const char *at = colon + 1; *at != '\0';) {
        if (*at == ' ' || *at == '=') {
            at++;
        } else if (*at == ';') {
            r.cases++;
            operand = 0;
            at++;
        } else {
            char *end = NULL;
            assert_true(r.cases < CASES_MAX && operand < OPERANDS_MAX);
            r.value[r.cases][operand] = strtoull(at, &end, 16);
            r.bits[operand++] = bits_of((size_t)(end - at));
            r.operands = operand;
            at = end;
        }
    }
    r.cases++;
    return r;
}

/* ------------------------------------------------------------------------------- the kernel -- */

typedef struct {
    char text[TEXT_MAX];
    size_t length;
} source;

__attribute__((format(printf, 2, 3))) static void add(source *s, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(s->text + s->length, sizeof s->text - s->length, format, list);
    va_end(list);
    assert_true(n >= 0 && (size_t)n < sizeof s->text - s->length);
    s->length += (size_t)n;
}

/* The register that holds operand n. */
static const char *register_of(unsigned bits)
{
    return bits == 1 ? "%p" : bits == 16 ? "%rs" : bits == 32 ? "%r" : "%rd";
}

/* A lane's operands have 8 bytes each, of which it reads as many as they are wide. */
static void load_operands(source *s, const row *r)
{
    for (size_t n = 0; n + 1 < r->operands; n++) {
        const unsigned bits = r->bits[n];
        if (bits == 1)
            add(s, "ld.global.u32 %%r9, [%%rd9+%zu];\nsetp.ne.u32 %%p%zu, %%r9, 0;\n", 8 * n, n);
        else
            add(s, "ld.global.u%u %s%zu, [%%rd9+%zu];\n", bits, register_of(bits), n, 8 * n);
    }
}

static void store_result(source *s, const row *r)
{
    const size_t n = r->operands - 1;
    if (r->bits[n] == 1)
        add(s, "selp.b32 %%r8, 1, 0, %%p%zu;\nst.global.u32 [%%rd9+%zu], %%r8;\n", n, 8 * n);
    else
        add(s, "st.global.u%u [%%rd9+%zu], %s%zu;\n", r->bits[n], 8 * n, register_of(r->bits[n]),
            n);
}

static source kernel_of(const row *r)
{
    source s = {.length = 0};
    add(&s, "%s",
        ".visible .entry one(\n.param .u64 at\n)\n{\n"
        ".reg .pred %p<10>;\n.reg .b16 %rs<10>;\n.reg .b32 %r<10>;\n.reg .b64 %rd<10>;\n"
        "ld.param.u64 %rd9, [at];\nmov.u32 %r9, %tid.x;\nmul.wide.u32 %rd8, %r9, 40;\n"
        "add.s64 %rd9, %rd9, %rd8;\n");
    load_operands(&s, r);
    const size_t last = r->operands - 1;
    add(&s, "%s %s%zu", r->name, register_of(r->bits[last]), last);
    for (size_t n = 0; n < last; n++)
        add(&s, ", %s%zu", register_of(r->bits[n]), n);
    add(&s, "%s", ";\n");
    store_result(&s, r);
    add(&s, "%s", "ret;\n}\n");
    return s;
}

void check_row(const char *line)
{
    const row r = parsed(line);
    const source s = kernel_of(&r);
    const size_t last = r.operands - 1;
    uint64_t lanes[LANES][OPERANDS_MAX], *at = &lanes[0][0];
    for (size_t l = 0; l < LANES; l++) {
        memcpy(lanes[l], r.value[l % r.cases], sizeof lanes[l]);
        lanes[l][last] = UINT64_C(0xeeeeeeeeeeeeeeee);
    }
    if (interpreter_read(r.name, s.text) != 0 ||
        emulator_launch("one", 1, LANES, 0, (void *[]){&at}))
        fail_msg("%s\n%s", emulator_error(), s.text);
    const unsigned stored = r.bits[last] == 1 ? 32 : r.bits[last];
    for (size_t l = 0; l < LANES; l++) {
        uint64_t want = r.value[l % r.cases][last];
        if (stored < 64)
            want |= UINT64_C(0xeeeeeeeeeeeeeeee) << stored;
        if (lanes[l][last] != want)
            fail_msg("%s, set %zu: %016llx, not %016llx", r.name, l % r.cases,
                     (unsigned long long)lanes[l][last], (unsigned long long)want);
    }
}

bool has_row(const char *const *list, const char *instruction)
{
    const size_t length = strlen(instruction);
    for (; *list != NULL; list++)
        if (strncmp(*list, instruction, length) == 0 && (*list)[length] == ':')
            return true;
    return false;
}
