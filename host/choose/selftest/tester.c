#include "host/choose/selftest/primitives.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "host/choose/selftest/tester.h"

void tester_pattern(void *to, size_t n, size_t salt)
{
    uint8_t *p = to;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 167 + (i >> 8) * 13 + salt * 59 + 7);
}

bool tester_wrong(const tester *t, const char *answer, uint64_t a, uint64_t b)
{
    snprintf(t->detail, t->detail_size, "%s (%" PRIu64 ", %" PRIu64 ") is wrong", answer, a, b);
    return false;
}

bool tester_failed(const tester *t, parseal_status status)
{
    *t->no_memory = status == PARSEAL_ERR_NO_MEMORY;
    snprintf(t->detail, t->detail_size, "%s: %s", parseal_status_name(status),
             parseal_last_error_text());
    return false;
}

bool tester_digest_is(const uint8_t expected[16], const void *data, size_t size)
{
    uint8_t digest[16];
    crypto_generichash(digest, sizeof digest, data, size, NULL, 0);
    return memcmp(digest, expected, sizeof digest) == 0;
}

void tester_fill_seeds(parseal_seed seeds[3])
{
    for (size_t j = 0; j < 3; j++) {
        tester_pattern(seeds[j].key, sizeof seeds[j].key, 3 + 2 * j);
        tester_pattern(seeds[j].stream_id, sizeof seeds[j].stream_id, 4 + 2 * j);
        seeds[j].sign = j == 1 ? -1 : 1;
    }
}

uint64_t tester_element(const uint64_t *elements, size_t i, uint32_t element_size)
{
    const uint8_t *p = (const uint8_t *)elements + i * element_size;
    uint64_t x = 0;
    for (uint32_t j = element_size; j-- > 0;)
        x = x << 8 | p[j];
    return x;
}
