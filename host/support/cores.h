/* How many cores this process may use. */
#ifndef PARSEAL_HOST_SUPPORT_CORES_H
#define PARSEAL_HOST_SUPPORT_CORES_H

#include <stdbool.h>
#include <stdint.h>

/* Returns the cores of the calling thread's affinity, bounded by the quota of its control groups
 * (cgroup v2's cpu.max, rounded up); 1 or more. */
uint32_t cores_available(void);

/* Returns the least quota of the control group `group` ("/a/b") and those above it, in cores
 * rounded up, as the files ROOT/a/b/cpu.max, ROOT/a/cpu.max and ROOT/cpu.max say it (Linux,
 * cgroup-v2.rst, "CPU Interface Files"); 0: none limits. */
uint32_t cores_of_group(const char *root, const char *group);

/* Reads a number of threads, 1 to 4096, as in OMP_NUM_THREADS: where `list` it may be the first of
 * several with commas between. Returns false where the text begins with none. */
bool cores_parse(const char *text, bool list, uint32_t *threads);

#endif
