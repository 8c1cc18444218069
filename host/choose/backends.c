#include "host/choose/backends.h"

#include <stdio.h>
#include <string.h>

/* The index is the backend's number. */
static const struct {
    const char *name;
    buf_kind_row buf;
} backends[] = {
    [PARSEAL_BACKEND_AUTO] = {"auto", {PARSEAL_BUF_NONE, "NONE", false}},
    [PARSEAL_BACKEND_CPU] = {"cpu", {PARSEAL_BUF_HOST, "HOST", true}},
    [PARSEAL_BACKEND_OPENCL] = {"opencl", {PARSEAL_BUF_OPENCL, "OPENCL", false}},
    [PARSEAL_BACKEND_CUDA] = {"cuda", {PARSEAL_BUF_CUDA, "CUDA", true}},
};

enum { BACKENDS = sizeof backends / sizeof backends[0] };

/* The rows stand in the order in which AUTO tries them. */
parseal_registry parseal_builtin_registry(void)
{
    static const parseal_registry_row rows[] = {
#if PARSEAL_CUDA
        {PARSEAL_BACKEND_CUDA, &parseal_cuda_backend, NULL},
#else
        {PARSEAL_BACKEND_CUDA, NULL, "this build has no CUDA backend"},
#endif
#if PARSEAL_OPENCL
        {PARSEAL_BACKEND_OPENCL, &parseal_opencl_backend, NULL},
#else
        {PARSEAL_BACKEND_OPENCL, NULL, "this build has no OpenCL backend"},
#endif
        {PARSEAL_BACKEND_CPU, &parseal_cpu_backend, NULL},
    };
    return (parseal_registry){rows, sizeof rows / sizeof rows[0]};
}

bool backend_is_known(int32_t id)
{
    return id >= 0 && id < BACKENDS;
}

const char *parseal_backend_name(int32_t backend)
{
    return backend_is_known(backend) ? backends[backend].name : "unknown";
}

int32_t backend_named(const char *name)
{
    for (int32_t id = 0; id < BACKENDS; id++)
        if (strcmp(name, backends[id].name) == 0)
            return id;
    return -1;
}

void backend_names(char *text, size_t size)
{
    text[0] = '\0';
    for (int32_t id = 0; id < BACKENDS; id++) {
        const size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s",
                 id == 0              ? ""
                 : id == BACKENDS - 1 ? " or "
                                      : ", ",
                 backends[id].name);
    }
}

const buf_kind_row *buf_kind_find(uint32_t kind)
{
    for (int32_t id = 0; id < BACKENDS; id++)
        if (kind != PARSEAL_BUF_NONE && backends[id].buf.kind == kind)
            return &backends[id].buf;
    return NULL;
}
