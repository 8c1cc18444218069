/* Helpers of the self-tests of all primitives. */
#ifndef PARSEAL_HOST_CHOOSE_SELFTEST_TESTER_H
#define PARSEAL_HOST_CHOOSE_SELFTEST_TESTER_H

#include "host/backend/objects.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct tester {
    const parseal_backend *backend;
    parseal_device *device; /* entered */
    char *detail;
    size_t detail_size;
    bool *no_memory; /* set where a test has failed because memory was short */
};

/* Writes a byte pattern. Inputs are patterns, so that they need not be stored. */
void tester_pattern(void *to, size_t n, size_t salt);

/* Fills three seeds, of which the second is subtracted. */
void tester_fill_seeds(parseal_seed seeds[3]);

/* Returns element i, with the same result on every machine. */
uint64_t tester_element(const uint64_t *elements, size_t i, uint32_t element_size);

bool tester_digest_is(const uint8_t expected[16], const void *data, size_t size);

/* Both return false and write the reason to the detail: an answer is wrong, or a call has
 * failed. */
bool tester_wrong(const tester *t, const char *answer, uint64_t a, uint64_t b);
bool tester_failed(const tester *t, parseal_status status);

/* Return whether what a backend with graphs counts on the device is right; true without graphs. */
bool tester_nonces_count(const tester *t);
bool tester_numbers_count(const tester *t, bool of_fcp);

/* The ring of crossover's work: elements of 4 bytes that wrap around. */
static const parseal_ring work_ring = {UINT64_C(1) << 32, 4, 0};
enum { WORK_INPUTS = 4, WORK_MESSAGE = 1 << 14 };

#endif
