/* The primitives: the one table of the functions that selection needs of each
 * (host/backend/backend.h lists them). A primitive's functions are in host/choose/selftest/. */
#ifndef PARSEAL_HOST_CHOOSE_SELFTEST_PRIMITIVES_H
#define PARSEAL_HOST_CHOOSE_SELFTEST_PRIMITIVES_H

#include "host/backend/objects.h"

typedef struct tester tester;

/* The memory and keys that crossover measures with. */
typedef struct {
    uint8_t *from, *to; /* each has as many bytes as the largest size */
    parseal_msg *msgs;  /* room for messages of WORK_MESSAGE bytes each */
} work_material;

typedef struct {
    const char *name;

    /* Returns true when the implementations that the device has chosen compute the known
     * answers. */
    bool (*selftest)(const tester *t);

    /* Works on `size` bytes. The device has been entered. */
    parseal_status (*work)(const parseal_side *side, const work_material *m, size_t size);
} primitive_row;

extern const primitive_row primitives[PARSEAL_PRIMITIVES];

#define PRIMITIVE(id, name)               \
    bool selftest_##name(const tester *); \
    parseal_status work_##name(const parseal_side *, const work_material *, size_t);
PARSEAL_PRIMITIVE_LIST(PRIMITIVE)
#undef PRIMITIVE

/* Runs the known answers of one primitive with the implementations that `device` has chosen.
 * PARSEAL_ERR_SELFTEST: an answer is wrong, and detail (size bytes) says which.
 * PARSEAL_ERR_NO_MEMORY: nothing was found out, and detail says what memory was short. Otherwise
 * detail is "". */
parseal_status parseal_selftest(const parseal_backend *backend, parseal_device *device,
                                int32_t primitive, char *detail, size_t size);

#endif
