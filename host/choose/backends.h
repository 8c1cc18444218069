/* Which backends there are: the one table of what the rest of the library knows of each, and those
 * of this build. */
#ifndef PARSEAL_HOST_CHOOSE_BACKENDS_H
#define PARSEAL_HOST_CHOOSE_BACKENDS_H

#include "host/choose/registry.h"

/* A kind of buffer, PARSEAL_BUF_*. */
typedef struct {
    uint32_t kind;
    const char *name;
    bool is_address; /* handle + offset is one; else the handle is only a name */
} buf_kind_row;

/* NULL: there is no such kind, or it is NONE. */
const buf_kind_row *buf_kind_find(uint32_t kind);

/* Whether options.backend may be this: a backend's number, or AUTO. */
bool backend_is_known(int32_t id);

/* The number of a name, or -1. */
int32_t backend_named(const char *name);

/* "auto, cpu, opencl or cuda", for texts of errors. */
void backend_names(char *text, size_t size);

/* The registry of this build. */
parseal_registry parseal_builtin_registry(void);

#endif
