/* Each answer is a digest of outputs (BLAKE2b, 16 bytes) that an independent implementation
 * computed: tests/kat/selftest_vectors.py. It is asked for through the same interface that real
 * work goes through. */
#include "host/choose/selftest/primitives.h"

#include "host/backend/call.h"
#include "host/choose/selftest/tester.h"

#define PRIMITIVE(id, name) [id] = {#name, selftest_##name, work_##name},
const primitive_row primitives[PARSEAL_PRIMITIVES] = {PARSEAL_PRIMITIVE_LIST(PRIMITIVE)};
#undef PRIMITIVE

const char *parseal_primitive_name(int32_t primitive)
{
    return primitive >= 0 && primitive < PARSEAL_PRIMITIVES ? primitives[primitive].name
                                                            : "unknown";
}

int32_t parseal_primitive_count(void)
{
    return PARSEAL_PRIMITIVES;
}

parseal_status parseal_selftest(const parseal_backend *backend, parseal_device *device,
                                int32_t primitive, char *detail, size_t size)
{
    bool no_memory = false;
    const tester t = {backend, device, detail, size, &no_memory};
    detail[0] = '\0';
    const parseal_status entered = device_enter(backend, device);
    bool right = entered == PARSEAL_OK || tester_failed(&t, entered);
    if (right) {
        right = primitives[primitive].selftest(&t);
        (void)device_leave(backend, device, PARSEAL_OK);
    }
    if (right)
        return PARSEAL_OK;
    return no_memory ? PARSEAL_ERR_NO_MEMORY : PARSEAL_ERR_SELFTEST;
}
