#include "small_clip.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "run.h"

bool quantized(parseal_status status, float clip)
{
    static enum { UNKNOWN, HAS_SUBNORMALS, HAS_NONE } device = UNKNOWN;
    if (device == UNKNOWN && run_backend() != PARSEAL_BACKEND_OPENCL)
        device = HAS_SUBNORMALS;
    if (device == UNKNOWN && getenv("PARSEAL_TEST_NO_SUBNORMALS") != NULL)
        device = HAS_NONE;
    if (device == UNKNOWN && clip < 0x1p-100f)
        device = status == PARSEAL_ERR_UNSUPPORTED ? HAS_NONE : HAS_SUBNORMALS;

    if (device != HAS_NONE || clip >= 0x1p-100f) {
        assert_ok(status);
        return true;
    }
    assert_status(status, PARSEAL_ERR_UNSUPPORTED);
    assert_non_null(strstr(parseal_last_error_text(), "quant.clip"));
    return false;
}
