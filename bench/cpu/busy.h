/* Processes that do nothing but keep cores busy. */
#ifndef PARSEAL_BENCH_CPU_BUSY_H
#define PARSEAL_BENCH_CPU_BUSY_H

#include <stdbool.h>
#include <sys/types.h>

enum { BUSY_MAX = 4096 };

struct busy {
    pid_t *id;
    unsigned n;
    int end; /* the end of a pipe that keeps them running while it is open */
};

/* Starts n processes, 1 to BUSY_MAX. They end when this process does, however that ends. Returns
 * false after a complaint, with none of them left. */
bool busy_start(struct busy *busy, unsigned n);

/* Ends them and waits until they are gone. */
void busy_stop(struct busy *busy);

#endif
