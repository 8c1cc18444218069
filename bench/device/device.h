/* The GPU as a caller of the library has it: memory and a stream of one's own, and events that tell
 * the time. Its primary context is current from open to close. */
#ifndef PARSEAL_BENCH_DEVICE_DEVICE_H
#define PARSEAL_BENCH_DEVICE_DEVICE_H

#include "bench/device/driver_calls.h"

#include <parseal/parseal.h>

struct device {
    struct driver_calls calls;
    int id, ordinal;
    void *context, *stream, *other_stream, *begin, *end;
    char name[128];
    int driver_version; /* 13000: CUDA 13.0 */
    int capability;     /* 90: 9.0 */
    int multiprocessors;
    double clock, memory_clock; /* Hz; 0: the driver does not tell */
    int memory_bus_bits;        /* 0: the driver does not tell */
    uint64_t l2_bytes, memory;
};

/* All return false, or 0, after a complaint. */
bool device_open(struct device *d, int ordinal);
void device_close(struct device *d);

uint64_t device_memory_free(const struct device *d);
device_pointer device_alloc(const struct device *d, uint64_t size);
void device_free(const struct device *d, device_pointer p); /* p may be 0 */
bool device_upload(const struct device *d, device_pointer to, const void *from, uint64_t size);
bool device_download(const struct device *d, void *to, device_pointer from, uint64_t size);
bool device_wait(const struct device *d);
/* Fills memory with `block` again and again. */
bool device_repeat(const struct device *d, device_pointer to, uint64_t size, const void *block,
                   uint64_t block_size);

/* Allocates memory that the device copies from and to at full speed. */
void *device_pinned_alloc(const struct device *d, uint64_t size);
void device_pinned_free(const struct device *d, void *p);

/* Measure the seconds between the two calls on the stream; the second one waits. */
bool device_time_begin(const struct device *d);
bool device_time_end(const struct device *d, double *seconds);

parseal_buf device_buf(device_pointer p, uint64_t size);

#endif
