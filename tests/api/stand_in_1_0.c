/* parseal/dlpack.h behind a dlpack.h of DLPack 1.0. */
#define STAND_IN_MINOR 0
#include "stand_in.h"

#include <parseal/dlpack.h>

#include "dlpack_before.h"

parseal_status take_1_0(uint32_t *elements, int64_t n, parseal_vec *vec)
{
    const struct DLManagedTensorVersioned managed = {
        .version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION},
        .dl_tensor = {elements, {kDLCPU, 0}, 1, {kDLUInt, 32, 1}, &n, NULL, 0}};
    const DLTensor *tensor;
    const parseal_status status =
        parseal_dlpack_versioned("acc", &managed, PARSEAL_DLPACK_WRITE, &tensor);
    return status == PARSEAL_OK ? parseal_dlpack_vec("acc", tensor, 4, vec) : status;
}
