/* parseal/dlpack.h behind a dlpack.h of DLPack 0.6 to 0.8. */
#include "stand_in.h"

#include <parseal/dlpack.h>

#include "dlpack_before.h"

/* Could not be here if the header declared what takes a type that the older one has not. */
static int parseal_dlpack_versioned(void)
{
    return 1;
}

parseal_status take_before_1_0(uint32_t *elements, int64_t n, parseal_vec *vec)
{
    const DLTensor tensor = {elements, {kDLCPU, 0}, 1, {kDLUInt, 32, 1}, &n, NULL, 0};
    return parseal_dlpack_versioned() == 1 ? parseal_dlpack_vec("acc", &tensor, 4, vec)
                                           : PARSEAL_ERR_UNSUPPORTED;
}
