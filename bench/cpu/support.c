#include "bench/cpu/support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static char first_complaint[512];

void complain(const char *format, ...)
{
    char text[sizeof first_complaint];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "parseal-bench: %s\n", text);
    if (first_complaint[0] == '\0')
        memcpy(first_complaint, text, sizeof text);
}

const char *complaint_first(void)
{
    return first_complaint;
}

void complaint_forget(void)
{
    first_complaint[0] = '\0';
}

void complain_status(const char *what, parseal_status status)
{
    complain("%s: %s: %s", what, parseal_status_name(status), parseal_last_error_text());
}

void *bench_alloc(size_t count, size_t size)
{
    if (size != 0 && count > (SIZE_MAX - ALIGNMENT) / size) {
        complain("%zu times %zu bytes is more than memory can address", count, size);
        return NULL;
    }
    size_t rounded = (count * size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *p = aligned_alloc(ALIGNMENT, rounded);
    if (p == NULL)
        complain("no memory for %zu bytes", rounded);
    return p;
}

/* Fills with a Weyl sequence through a multiply and a fold: speed matters more than quality
 * here. */
void bench_fill(void *p, size_t size, uint64_t seed)
{
    uint8_t *to = p;
    uint64_t state = seed;
    for (size_t i = 0; i < size; i += sizeof state) {
        state += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t word = (state ^ (state >> 32)) * UINT64_C(0xd6e8feb86659fd93);
        word ^= word >> 32;
        memcpy(to + i, &word, size - i < sizeof word ? size - i : sizeof word);
    }
}
