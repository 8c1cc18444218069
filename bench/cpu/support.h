/* Complaints, memory and test data, for every file here. */
#ifndef PARSEAL_BENCH_CPU_SUPPORT_H
#define PARSEAL_BENCH_CPU_SUPPORT_H

#include <parseal/parseal.h>
#include <stddef.h>
#include <stdint.h>

/* Returns count * size bytes aligned to 64, or NULL after a complaint. */
void *bench_alloc(size_t count, size_t size);
/* Fills with reproducible bytes that do not compress. */
void bench_fill(void *p, size_t size, uint64_t seed);
/* Writes a line on stderr that begins with the command's name. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Returns the first complaint since complaint_forget, without the command's name, or "". */
const char *complaint_first(void);
void complaint_forget(void);
/* Complains about a call of the library. */
void complain_status(const char *what, parseal_status status);

#endif
