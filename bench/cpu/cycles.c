#include "bench/cpu/cycles.h"

#ifdef __linux__

#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int counter = -1;

/* Counts user mode only, as perf_event_paranoid at its usual 2 permits no more. */
bool cycles_open(void)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = PERF_TYPE_HARDWARE;
    attr.size = sizeof attr;
    attr.config = PERF_COUNT_HW_CPU_CYCLES;
    attr.exclude_kernel = 1;
    attr.exclude_hv = 1;
    counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (counter < 0)
        return false;
    if (cycles_read() != 0)
        return true;
    cycles_close();
    return false;
}

uint64_t cycles_read(void)
{
    uint64_t count = 0;
    if (counter < 0 || read(counter, &count, sizeof count) != (ssize_t)sizeof count)
        return 0;
    return count;
}

void cycles_close(void)
{
    if (counter >= 0)
        close(counter);
    counter = -1;
}

#else

bool cycles_open(void)
{
    return false;
}

uint64_t cycles_read(void)
{
    return 0;
}

void cycles_close(void)
{
}

#endif
