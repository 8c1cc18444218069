/* What every file here needs: complaints, memory, test data. */
#ifndef PARSEAL_BENCH_CPU_SUPPORT_H
#define PARSEAL_BENCH_CPU_SUPPORT_H

#include <parseal/parseal.h>
#include <stddef.h>
#include <stdint.h>

/* count * size bytes aligned to 64, NULL after a complaint. */
void *bench_alloc(size_t count, size_t size);
/* Reproducible bytes that compress to nothing. */
void bench_fill(void *p, size_t size, uint64_t seed);
/* A line on stderr that begins with the command's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The first complaint since complaint_forget, without the command's name; "": there was none. */
const char *complaint_first(void);
void complaint_forget(void);
/* complain() about a call of the library. */
void complain_status(const char *what, parseal_status status);

#endif
