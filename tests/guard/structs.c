/* Small structs and single outputs between guard pages: a call touches what struct_size says, and
 * no byte more. */
#include <string.h>

#include "check.h"
#include "run.h"
#include "sizes.h"

static guard_buf buf, text;

static void check_side(guard_side side)
{
    parseal_ctx *ctx = NULL;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_impl = guard_copy(&text, side, "portable", sizeof "portable", 1);
    assert_ok(parseal_ctx_create(
        &ctx, guard_copy(&buf, side, &options, sizeof options, _Alignof(parseal_options))));

    parseal_info *info = guard_place_aligned(&buf, side, sizeof *info, _Alignof(parseal_info));
    *info = (parseal_info)PARSEAL_INFO_INIT;
    assert_ok(parseal_ctx_info(ctx, info));
    assert_int_equal(info->backend, PARSEAL_BACKEND_CPU);
    guard_check(&buf);

    parseal_primitive_info *primitive =
        guard_place_aligned(&buf, side, sizeof *primitive, _Alignof(parseal_primitive_info));
    *primitive = (parseal_primitive_info)PARSEAL_PRIMITIVE_INFO_INIT;
    assert_ok(parseal_ctx_primitive(ctx, PARSEAL_PRIMITIVE_AEAD, primitive));
    assert_string_equal(primitive->impl, "portable");
    guard_check(&buf);

    parseal_impl *impl = guard_place_aligned(&buf, side, sizeof *impl, _Alignof(parseal_impl));
    *impl = (parseal_impl)PARSEAL_IMPL_INIT;
    assert_ok(parseal_impl_test(0, impl));
    assert_true(impl->backend != PARSEAL_BACKEND_AUTO);
    guard_check(&buf);

    uint64_t *size = guard_place_aligned(&buf, side, sizeof *size, _Alignof(uint64_t));
    assert_ok(parseal_packed_size(9, 7, size));
    assert_int_equal(*size, 8);
    guard_check(&buf);

    const parseal_ring ring = {1000, 4, 0};
    assert_ok(parseal_quant_check(
        3, 8, guard_copy(&buf, side, &ring, sizeof ring, _Alignof(parseal_ring)), NULL));
    parseal_ctx_destroy(ctx);
}

static void structs(void **state)
{
    (void)state;
    guard_open(&buf, sizeof(parseal_info));
    guard_open(&text, 16);
    check_side(GUARD_BEFORE);
    check_side(GUARD_AFTER);
    guard_close(&buf);
    guard_close(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(structs)};
    return RUN_SUITE("guarded structs", tests);
}
