#if defined(__linux__) && !defined(_GNU_SOURCE)
/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming): libc's */
#define _GNU_SOURCE /* for sched_getaffinity */
#endif
#include "host/support/cores.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CORES_MOST = 4096 };

/* Returns the number of cores that the thread may run on, or of those that are there. */
static uint32_t cores_of_affinity(void)
{
#if defined(__linux__)
    /* The kernel refuses a set that is smaller than its own, which can be larger than cpu_set_t. */
    cpu_set_t *set = CPU_ALLOC(CORES_MOST);
    if (set != NULL) {
        const size_t size = CPU_ALLOC_SIZE(CORES_MOST);
        const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (uint32_t)count;
    }
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online < 1 ? 1 : online > CORES_MOST ? CORES_MOST : (uint32_t)online;
}

/* Returns the quota of one cpu.max, "QUOTA PERIOD" in microseconds or "max PERIOD"; 0: none. */
static uint32_t quota_of_file(const char *path)
{
    unsigned long long quota, period;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel writes the numbers, and they are checked below. */
    const int found = fscanf(file, "%llu %llu", &quota, &period);
    (void)fclose(file);
    if (found != 2 || quota == 0 || period == 0)
        return 0;
    const unsigned long long cores = (quota - 1) / period + 1;
    return cores > CORES_MOST ? CORES_MOST : (uint32_t)cores;
}

uint32_t cores_of_group(const char *root, const char *group)
{
    char path[4352], at[4096];
    uint32_t least = 0;
    if (snprintf(at, sizeof at, "%s", group) >= (int)sizeof at)
        return 0;
    for (;;) {
        if (snprintf(path, sizeof path, "%s%s/cpu.max", root, at) < (int)sizeof path) {
            const uint32_t quota = quota_of_file(path);
            if (quota != 0 && (least == 0 || quota < least))
                least = quota;
        }
        char *slash = strrchr(at, '/');
        if (slash == NULL)
            return least;
        *slash = '\0'; /* "/" becomes "", which is the root itself. */
    }
}

/* Finds this process's control group of version 2, "0::/path" in /proc/self/cgroup. */
static bool own_group(char *group, size_t size)
{
    bool found = false;
    char line[4200];
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        found = strncmp(line, "0::/", 4) == 0 && snprintf(group, size, "%s", line + 3) < (int)size;
    }
    (void)fclose(file);
    return found;
}

uint32_t cores_available(void)
{
    char group[4096];
    const uint32_t cores = cores_of_affinity();
    const uint32_t quota =
        own_group(group, sizeof group) ? cores_of_group("/sys/fs/cgroup", group) : 0;
    return quota != 0 && quota < cores ? quota : cores;
}

bool cores_parse(const char *text, bool list, uint32_t *threads)
{
    char *end;
    while (*text == ' ' || *text == '\t')
        text++;
    if (*text < '0' || *text > '9')
        return false;
    const unsigned long value = strtoul(text, &end, 10);
    while (*end == ' ' || *end == '\t')
        end++;
    if (value < 1 || (*end != '\0' && !(list && *end == ',')))
        return false;
    *threads = value > CORES_MOST ? CORES_MOST : (uint32_t)value;
    return true;
}
