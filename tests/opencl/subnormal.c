/* A device without subnormal numbers takes no clip whose rounding would need them. No device is
 * touched. */
#include <string.h>

#include "check.h"
#include "host/gpu/device.h"
#include "host/gpu/driver.h"
#include "host/gpu/vectors.h"
#include "run.h"

static parseal_status quantize(bool has_subnormals, float clip)
{
    static const gpu_driver driver;
    static gpu_shared shared;
    gpu_device device = {
        .name = "a device", .driver = &driver, .shared = &shared, .has_subnormals = has_subnormals};
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const parseal_vec nothing = {{PARSEAL_BUF_HOST, 0, 0, 0, 0}, 0};
    quant.clip = clip;
    return gpu_vector_family.quantize((const parseal_device *)&device, &quant, 1.0f, &nothing,
                                      &nothing, NULL, 0, NULL, NULL);
}

static void small_clip(void **state)
{
    (void)state;
    const float smallest = 0x1p-100f;
    assert_ok(quantize(true, smallest / 2));
    assert_ok(quantize(false, smallest));
    assert_status(quantize(false, smallest / 2), PARSEAL_ERR_UNSUPPORTED);
    assert_non_null(strstr(parseal_last_error_text(), "quant.clip"));
    assert_non_null(strstr(parseal_last_error_text(), "a device"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_clip)};
    return RUN_SUITE("devices without subnormal numbers", tests);
}
