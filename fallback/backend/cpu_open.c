/* Opening the CPU: its name, its threads, and the implementations that it can run. */
#include <stdlib.h>
#include <string.h>

#include "fallback/backend/cpu_device.h"
#include "fallback/backend/cpu_features.h"

static parseal_status level_of(const char *source, const char *name, size_t *level)
{
    for (size_t i = 0; i < CPU_LEVEL_COUNT; i++)
        if (strcmp(name, cpu_levels[i].name) == 0) {
            if (!cpu_levels[i].supported())
                return parseal_fail(PARSEAL_ERR_NO_DEVICE, "%s: \"%s\", but this machine lacks %s",
                                    source, name, cpu_levels[i].needs);
            *level = i;
            return PARSEAL_OK;
        }
    return parseal_fail(PARSEAL_ERR_ARG, "%s: no CPU implementation is named \"%s\"", source, name);
}

parseal_status cpu_open(parseal_device **device, const parseal_request *request)
{
    size_t max_level = CPU_LEVEL_COUNT - 1;
    static const char *const sources[] = {"options.cpu_impl", "PARSEAL_CPU"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        size_t level = 0;
        if (request->cpu_impl[i] == NULL)
            continue;
        const parseal_status status = level_of(sources[i], request->cpu_impl[i], &level);
        if (status != PARSEAL_OK)
            return status;
        max_level = level < max_level ? level : max_level;
    }
    cpu_device *d = calloc(1, sizeof *d);
    arena *secrets = d != NULL ? arena_create() : NULL;
    if (secrets == NULL) {
        free(d);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "CPU device: out of memory");
    }
    d->secrets = secrets;
    cpu_name(d->name, sizeof d->name);
    d->threads = request->cpu_threads > 0 ? request->cpu_threads : 1;
    d->cache_size = cpu_cache_size();
    d->max_level = max_level;
    *device = (parseal_device *)d;
    return PARSEAL_OK;
}

void cpu_close(parseal_device *device)
{
    arena_destroy(cpu_of(device)->secrets);
    free(device);
}

const char *cpu_device_name(const parseal_device *device)
{
    return cpu_of(device)->name;
}

size_t cpu_impl_count(const parseal_device *device, int32_t primitive)
{
    (void)device;
    return cpu_candidates_of(primitive)->count;
}

parseal_impl_entry cpu_impl_entry(const parseal_device *device, int32_t primitive, size_t index)
{
    const size_t at = cpu_candidates_of(primitive)->level(index);
    const cpu_level *level = &cpu_levels[at];
    parseal_impl_entry entry = {level->name, NULL, PARSEAL_USABLE};
    if (!level->supported()) {
        entry.state = PARSEAL_MISSING;
        entry.detail = level->needs;
    } else if (at > cpu_of(device)->max_level) {
        entry.state = PARSEAL_EXCLUDED;
    }
    return entry;
}

void cpu_impl_use(parseal_device *device, int32_t primitive, size_t index)
{
    cpu_candidates_of(primitive)->use(&((cpu_device *)device)->chosen, index);
}
