#include "primary.h"

cu_api api;
cu_context primary;
static cu_device device;

bool primary_enter(void)
{
    return cu_api_load(&api) == PARSEAL_OK && api.Init(0) == CU_OK &&
           api.DeviceGet(&device, 0) == CU_OK &&
           api.DevicePrimaryCtxRetain(&primary, device) == CU_OK &&
           api.CtxPushCurrent(primary) == CU_OK;
}

void primary_leave(void)
{
    (void)api.CtxPopCurrent(&primary);
    (void)api.DevicePrimaryCtxRelease(device);
}
