#include "host/support/check.h"

#include <inttypes.h>
#include <string.h>

#include "host/support/sizes.h"

parseal_status check_pointer(const char *name, const void *p)
{
    return p != NULL ? PARSEAL_OK : parseal_fail(PARSEAL_ERR_ARG, "%s: NULL", name);
}

/* -------------------------------------------------------------------------------- structs -- */

static size_t struct_size_of(const void *p)
{
    size_t size;
    memcpy(&size, p, sizeof size);
    return size;
}

parseal_status check_struct_size(const char *name, const void *p, size_t min)
{
    TRY(check_pointer(name, p));
    if (struct_size_of(p) >= min && struct_size_of(p) <= PARSEAL_STRUCT_SIZE_MAX)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG,
                        "%s.struct_size: %zu, %zu to %d expected (begin with the _INIT macro)",
                        name, struct_size_of(p), min, PARSEAL_STRUCT_SIZE_MAX);
}

parseal_status copy_struct_in(const char *name, void *to, const void *from, size_t size, size_t min)
{
    TRY(check_struct_size(name, from, min));
    const size_t given = struct_size_of(from);
    for (size_t i = size; i < given; i++)
        if (((const uint8_t *)from)[i] != 0)
            return parseal_fail(PARSEAL_ERR_ARG,
                                "%s.struct_size: %zu, and byte %zu uses a field that this release "
                                "(%s) does not know",
                                name, given, i, parseal_version());
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &size, sizeof size);
    return PARSEAL_OK;
}

void copy_struct_out(void *to, const void *from, size_t size)
{
    const size_t given = struct_size_of(to);
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &given, sizeof given);
}

/* -------------------------------------------------------------------------------- values -- */

parseal_status check_element_size(const char *name, uint32_t element_size)
{
    if (element_size == 4 || element_size == 8)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG, "%s: %" PRIu32 ", 4 or 8 expected", name, element_size);
}

parseal_status check_reserved(const char *name, uint32_t value)
{
    if (value == 0)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG, "%s: %" PRIu32 ", 0 expected", name, value);
}

parseal_status check_ring(const parseal_ring *ring)
{
    TRY(check_pointer("ring", ring));
    TRY(check_element_size("ring.element_size", ring->element_size));
    TRY(check_reserved("ring.reserved", ring->reserved));
    if (ring->modulus == 1)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "ring.modulus: 1, expected 2 to 2^64 (0 stands for 2^64)");
    if (ring->element_size == 4 && (ring->modulus == 0 || ring->modulus > (uint64_t)UINT32_MAX + 1))
        return parseal_fail(PARSEAL_ERR_ARG,
                            "ring.modulus: %" PRIu64 "%s does not fit elements of 4 bytes",
                            ring->modulus, ring->modulus == 0 ? " (2^64)" : "");
    return PARSEAL_OK;
}

parseal_status check_keystream(uint64_t first, uint64_t n, uint32_t element_size)
{
    const uint64_t elements = (UINT64_C(1) << 38) / element_size;
    if (n <= elements && first <= elements - n)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_SIZE,
                        "first: %" PRIu64 " + %" PRIu64
                        " elements pass the keystream's 2^38 bytes (%" PRIu64 " elements)",
                        first, n, elements);
}

parseal_status check_bits(uint32_t bits, uint32_t element_size)
{
    if (bits >= 1 && bits <= 8 * element_size)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG,
                        "bits: %" PRIu32 ", 1 to %" PRIu32 " expected for elements of %" PRIu32
                        " bytes",
                        bits, 8 * element_size, element_size);
}
