/* The backends: one table of the facts that the rest of the library knows of each, and the list of
 * those in this build. */
#ifndef PARSEAL_HOST_CHOOSE_BACKENDS_H
#define PARSEAL_HOST_CHOOSE_BACKENDS_H

#include "host/choose/registry.h"

/* A kind of buffer, PARSEAL_BUF_*. */
typedef struct {
    uint32_t kind;
    const char *name;
    bool is_address; /* handle + offset is an address; else the handle is only a name */
} buf_kind_row;

/* Returns NULL where there is no such kind, and for NONE. */
const buf_kind_row *buf_kind_find(uint32_t kind);

/* Returns true for the values of options.backend: a backend's number, or AUTO. */
bool backend_is_known(int32_t id);

/* Returns the number of the backend with this name, or -1. */
int32_t backend_named(const char *name);

/* Writes "auto, cpu, opencl or cuda", for texts of errors. */
void backend_names(char *text, size_t size);

/* Returns the registry of this build. */
parseal_registry parseal_builtin_registry(void);

#endif
