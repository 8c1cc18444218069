#include "bench/cpu/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

/* Reads the text after `key` and its separators, on the first line of `path` that begins with
 * key. */
static bool read_field(const char *path, const char *key, char *value, size_t size)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *text = line + strlen(key);
        text += strspn(text, " \t:=\"");
        snprintf(value, size, "%.*s", (int)strcspn(text, "\"\n"), text);
        found = true;
    }
    fclose(file);
    return found;
}

static uint64_t read_kib_field(const char *path, const char *key)
{
    char text[64];
    return read_field(path, key, text, sizeof text) ? strtoull(text, NULL, 10) * 1024 : 0;
}

/* Reads an attribute of cache `index` of the first CPU as Linux lists them. */
static bool read_cache(unsigned index, const char *attribute, char *value, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%u/%s", index, attribute);
    return read_field(path, "", value, size);
}

/* Reads a size as Linux writes it: "32768K". */
static uint64_t parse_cache_size(const char *text)
{
    char *unit;
    uint64_t number = strtoull(text, &unit, 10);
    return number << (*unit == 'M' ? 20 : *unit == 'K' ? 10 : 0);
}

static void describe_caches(struct machine *machine)
{
    uint64_t *const known[] = {&machine->l1d, &machine->l2, &machine->l3};
    char level[16], type[16], size[32];
    for (unsigned i = 0; read_cache(i, "level", level, sizeof level); i++) {
        if (!read_cache(i, "type", type, sizeof type) || strcmp(type, "Instruction") == 0 ||
            !read_cache(i, "size", size, sizeof size))
            continue;
        uint64_t bytes = parse_cache_size(size);
        unsigned long number = strtoul(level, NULL, 10);
        if (number >= 1 && number <= sizeof known / sizeof known[0])
            *known[number - 1] = bytes;
        if (bytes > machine->last_level_cache)
            machine->last_level_cache = bytes;
    }
}

static uint64_t sysconf_product(int count, int unit)
{
    long n = sysconf(count), each = sysconf(unit);
    return n > 0 && each > 0 ? (uint64_t)n * (uint64_t)each : 0;
}

static void describe_memory(struct machine *machine)
{
    machine->memory = sysconf_product(_SC_PHYS_PAGES, _SC_PAGESIZE);
    machine->memory_available = read_kib_field("/proc/meminfo", "MemAvailable");
}

static void describe_system(struct machine *machine)
{
    char release[80] = "";
    struct utsname name;
    if (uname(&name) != 0)
        snprintf(name.sysname, sizeof name.sysname, "unknown");
    read_field("/etc/os-release", "PRETTY_NAME", release, sizeof release);
    snprintf(machine->os, sizeof machine->os, "%s%s%.20s %.40s", release,
             release[0] != '\0' ? ", " : "", name.sysname, name.release);
}

void machine_describe(struct machine *machine)
{
    memset(machine, 0, sizeof *machine);
    if (!read_field("/proc/cpuinfo", "model name", machine->cpu, sizeof machine->cpu))
        snprintf(machine->cpu, sizeof machine->cpu, "unknown");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    machine->cores = cores > 0 ? (unsigned)cores : 1;
#ifdef __clang__
    snprintf(machine->compiler, sizeof machine->compiler, "clang %s", __clang_version__);
#else
    snprintf(machine->compiler, sizeof machine->compiler, "gcc %s", __VERSION__);
#endif
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL)
        strftime(machine->date, sizeof machine->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    describe_caches(machine);
    describe_memory(machine);
    describe_system(machine);
}

size_t machine_large_bytes(const struct machine *machine)
{
    uint64_t large = 2 * machine->last_level_cache;
    if (large < 256 * MIB)
        large = 256 * MIB;
    if (machine->memory_available != 0 && large > machine->memory_available / 8)
        large = machine->memory_available / 8;
    return large < SIZE_MAX / 8 ? (size_t)large : SIZE_MAX / 8;
}
