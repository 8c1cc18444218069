#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 16,
    WINDOWS_MAX = 1 << 13,
    TABLE = 1 << 15,
    DIFFERENT_MIN = 9,
    PRINTED_MAX = 8,
    LEFT_OUT_MAX = 64,
    PAGE = 4096
};

typedef struct {
    uint8_t inverted[WINDOW];
    const char *what;
} window;

static window windows[WINDOWS_MAX];
static uint32_t n_windows, table[TABLE]; /* window's number + 1, by hash */
static uint8_t begins[1 << 13];          /* a bit for each first two bytes of a window, inverted */

void scan_forget(void)
{
    n_windows = 0;
    memset(table, 0, sizeof table);
    memset(begins, 0, sizeof begins);
}

/* Of the inverted bytes. */
static uint32_t slot_of(const uint8_t inverted[WINDOW])
{
    uint64_t x;
    memcpy(&x, inverted, sizeof x);
    return (uint32_t)(x * UINT64_C(0x9e3779b97f4a7c15) >> 49) % TABLE;
}

static bool tells(const uint8_t inverted[WINDOW], size_t different_min)
{
    size_t different = 0;
    for (size_t i = 0; i < WINDOW; i++) {
        bool new = true;
        for (size_t j = 0; j < i; j++)
            new = new &&inverted[j] != inverted[i];
        different += new;
    }
    return different >= different_min;
}

static void add(const char *what, const uint8_t inverted[WINDOW], size_t different_min)
{
    uint32_t slot = slot_of(inverted);
    if (!tells(inverted, different_min))
        return;
    for (; table[slot] != 0; slot = (slot + 1) % TABLE)
        if (memcmp(windows[table[slot] - 1].inverted, inverted, WINDOW) == 0)
            return;
    if (n_windows == WINDOWS_MAX)
        abort();
    memcpy(windows[n_windows].inverted, inverted, WINDOW);
    windows[n_windows].what = what;
    table[slot] = ++n_windows;
    const unsigned first = inverted[0] | (unsigned)inverted[1] << 8;
    begins[first / 8] |= (uint8_t)(1u << first % 8);
}

/* One byte at a time, which no compiler makes a copy of in a vector register. */
static void invert(uint8_t *to, const volatile uint8_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)to)[i] = (uint8_t)(from[i] ^ 0xff);
}

void scan_remember(const char *what, const volatile void *p, size_t n, size_t step)
{
    uint8_t inverted[WINDOW];
    for (size_t at = 0; at + WINDOW <= n; at += step) {
        invert(inverted, (const volatile uint8_t *)p + at, WINDOW);
        add(what, inverted, DIFFERENT_MIN);
    }
}

void scan_remember_spread(const char *what, const volatile void *p, size_t n)
{
    uint8_t inverted[WINDOW];
    for (size_t at = 0; at + 4 <= n; at += 4) {
        for (size_t i = 0; i < WINDOW; i += 4)
            invert(inverted + i, (const volatile uint8_t *)p + at, 4);
        add(what, inverted, 3);
    }
}

static const window *find(const uint8_t *p)
{
    uint8_t inverted[WINDOW];
    invert(inverted, p, WINDOW);
    for (uint32_t slot = slot_of(inverted); table[slot] != 0; slot = (slot + 1) % TABLE)
        if (memcmp(windows[table[slot] - 1].inverted, inverted, WINDOW) == 0)
            return &windows[table[slot] - 1];
    return NULL;
}

static size_t scan_range(const char *when, const char *where, const uint8_t *p, const uint8_t *end)
{
    size_t found = 0;
    static const uint8_t no_page[PAGE];
    while (p + WINDOW <= end) {
        uint64_t next;
        if ((uintptr_t)p % PAGE == 0 && (size_t)(end - p) >= PAGE &&
            memcmp(p, no_page, PAGE) == 0) {
            p += PAGE;
            continue;
        }
        memcpy(&next, p, sizeof next);
        if (next == 0) { /* windows that begin with eight zeros are not looked for */
            p++;
            continue;
        }
        const unsigned first = (uint8_t)~p[0] | (unsigned)(uint8_t)~p[1] << 8;
        if (begins[first / 8] >> first % 8 & 1) {
            const window *w = find(p);
            if (w != NULL && found++ < PRINTED_MAX)
                fprintf(stderr, "    %s: %s at %p, %zu bytes below the end of %s\n", when, w->what,
                        (const void *)p, (size_t)(end - p), where);
        }
        p++;
    }
    return found;
}

static struct {
    const uint8_t *p, *end;
} left_out[LEFT_OUT_MAX]; /* p NULL: unused */

void scan_leave_out(const volatile void *p, size_t n)
{
    size_t i = 0;
    while (left_out[i].p != NULL)
        if (++i == LEFT_OUT_MAX)
            abort();
    left_out[i].p = (const uint8_t *)p;
    left_out[i].end = left_out[i].p + n;
}

void scan_look_into(const volatile void *p)
{
    for (size_t i = 0; i < LEFT_OUT_MAX; i++)
        if (left_out[i].p == (const uint8_t *)p)
            left_out[i].p = NULL;
}

/* Searches from p to `end`, but for what is left out. */
static size_t scan_around(const char *when, const char *where, const uint8_t *p, const uint8_t *end)
{
    size_t found = 0;
    while (p < end) {
        const uint8_t *stop = end, *next = end;
        for (size_t i = 0; i < LEFT_OUT_MAX; i++)
            if (left_out[i].p != NULL && left_out[i].p >= p && left_out[i].p < stop) {
                stop = left_out[i].p;
                next = left_out[i].end;
            }
        found += scan_range(when, where, p, stop);
        p = next;
    }
    return found;
}

size_t scan_memory(const char *when)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    size_t found = 0;
    if (maps == NULL)
        abort();
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long long begin, end;
        char mode[8], name[256] = "anonymous memory";
        if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %255[^\n]", &begin, &end, mode, name) < 3)
            abort();
        if (mode[0] == 'r' && mode[1] == 'w' && strncmp(name, "/dev/", 5) != 0)
            found += scan_around(when, name, (const uint8_t *)(uintptr_t)begin,
                                 (const uint8_t *)(uintptr_t)end);
    }
    fclose(maps);
    return found;
}

#if defined(__x86_64__)

/* In assembly whole, as nothing may be called and no vector register used before. */
#define ZMM(n) "vmovdqu64 %%zmm" #n ", 64*" #n "(%0)\n\t"
#define YMM(n) "vmovdqu %%ymm" #n ", 64*" #n "(%0)\n\t"
#define XMM(n) "movdqu %%xmm" #n ", 64*" #n "(%0)\n\t"
#define SIXTEEN(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define HIGH(X) \
    X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)

void scan_store_registers(scan_registers *to)
{
    __asm__ volatile("movq %%rcx, 2048(%0)\n\t"
                     "movq %%rdx, 2056(%0)\n\t"
                     "movq %%rsi, 2064(%0)\n\t"
                     "movq %%r8, 2072(%0)\n\t"
                     "movq %%r9, 2080(%0)\n\t"
                     "movq %%r10, 2088(%0)\n\t"
                     "movq %%r11, 2096(%0)" ::"D"(to)
                     : "memory");
    if (__builtin_cpu_supports("avx512f"))
        __asm__ volatile(SIXTEEN(ZMM) HIGH(ZMM)::"D"(to) : "memory");
    else if (__builtin_cpu_supports("avx"))
        __asm__ volatile(SIXTEEN(YMM)::"D"(to) : "memory");
    else
        __asm__ volatile(SIXTEEN(XMM)::"D"(to) : "memory");
}

#elif defined(__aarch64__)

#define Q(n) "str q" #n ", [%0, #16*" #n "]\n\t"
/* clang-format off */
#define ALL(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) \
    X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31)
/* clang-format on */

void scan_store_registers(scan_registers *to)
{
    __asm__ volatile(ALL(Q)::"r"(to) : "memory");
}

#else

void scan_store_registers(scan_registers *to)
{
    (void)to;
}

#endif

size_t scan_stored(const char *when, scan_registers *stored)
{
    const size_t found =
        scan_range(when, "registers", stored->bytes, stored->bytes + sizeof stored->bytes);
    memset(stored, 0, sizeof *stored);
    return found;
}
