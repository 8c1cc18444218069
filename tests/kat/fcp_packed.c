/* Packed vectors as Google's fcp/secagg writes them (fcp_packed.json), with bits = bit length of
 * modulus - 1. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "hex.h"
#include "ring.h"
#include "run.h"
#include "vectors.h"

enum { VALUES_MAX = 1024 };

static const json_t *root;

static uint64_t decimal(const char *text)
{
    char *end;
    uint64_t value = strtoumax(text, &end, 10);
    assert_true(*text != '\0' && *end == '\0');
    return value;
}

static void run_case(parseal_ctx *ctx, const json_t *test, uint32_t bits, uint32_t size)
{
    uint64_t values[VALUES_MAX], back[VALUES_MAX], bytes;
    uint8_t want[VALUES_MAX * 8], packed[VALUES_MAX * 8];
    const json_t *list = member_array(test, "values");
    const json_t *value;
    size_t i;
    uint64_t n = json_array_size(list);
    assert_true(n <= VALUES_MAX);
    json_array_foreach(list, i, value)
        elem_store(values, i, size, decimal(json_string_value(value)));
    size_t want_size = hex_decode(member_string(test, "packed_hex"), want, sizeof want);
    assert_ok(parseal_packed_size(n, bits, &bytes));
    assert_int_equal(bytes, want_size);

    parseal_vec in = parseal_host_vec(values, n, size);
    parseal_vec out = parseal_host_vec(back, n, size);
    parseal_buf buf = parseal_host_buf(packed, bytes);
    memset(packed, UNTOUCHED, sizeof packed);
    assert_ok(parseal_pack(ctx, bits, size, &in, &buf, NULL));
    assert_bytes(packed, want, want_size);
    assert_ok(parseal_unpack(ctx, bits, size, &buf, &out, NULL));
    assert_bytes(back, values, (size_t)n * size);
}

static void packed_vectors(void **state)
{
    (void)state;
    const json_t *test;
    size_t i;
    parseal_ctx *ctx = run_ctx(1);
    json_array_foreach(root, i, test)
    {
        parseal_ring ring = {decimal(member_string(test, "modulus")), 8, 0};
        uint32_t bits = ring_bits(&ring);
        run_case(ctx, test, bits, 8);
        if (bits <= 32)
            run_case(ctx, test, bits, 4);
    }
    assert_true(i > 0);
    print_message("%zu vectors\n", i);
    parseal_ctx_destroy(ctx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packed_vectors)};
    json_t *file = vectors_load(argc > 1 ? argv[1] : ".", "fcp_packed.json");
    if (file == NULL)
        return run_skip("fcp_packed.json is not there (PARSEAL_VECTORS_DIR)");
    root = file;
    int failed = RUN_SUITE_PER_IMPL("fcp_packed", OF(PARSEAL_PRIMITIVE_PACK), tests);
    json_decref(file);
    return failed;
}
