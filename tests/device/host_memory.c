#include "host_memory.h"

#include <stdlib.h>

#include "test.h"

#if PARSEAL_TESTS_CUDA

#include "host/cuda/cu_api.h"

static cu_api api;
static cu_device device;
static cu_context context;
static bool pins;

bool host_memory_pin(void)
{
    if (cu_api_load(&api) != PARSEAL_OK)
        return false;
    pins = api.Init(0) == CU_OK && api.DeviceGet(&device, 0) == CU_OK &&
           api.DevicePrimaryCtxRetain(&context, device) == CU_OK;
    if (!pins)
        cu_api_unload(&api);
    return pins;
}

void host_memory_unpin(void)
{
    pins = false;
    (void)api.DevicePrimaryCtxRelease(device);
    cu_api_unload(&api);
}

static void *pinned(size_t size)
{
    void *p = NULL;
    cu_context other;
    assert_int_equal(api.CtxPushCurrent(context), CU_OK);
    assert_int_equal(api.MemHostAlloc(&p, size, CU_HOST_ALLOC_PORTABLE), CU_OK);
    assert_int_equal(api.CtxPopCurrent(&other), CU_OK);
    return p;
}

void *host_memory(size_t size)
{
    void *p = pins ? pinned(size) : malloc(size);
    assert_non_null(p);
    return p;
}

void host_memory_free(void *p)
{
    cu_context other;
    if (!pins) {
        free(p);
    } else if (p != NULL) {
        assert_int_equal(api.CtxPushCurrent(context), CU_OK);
        assert_int_equal(api.MemFreeHost(p), CU_OK);
        assert_int_equal(api.CtxPopCurrent(&other), CU_OK);
    }
}

#else

bool host_memory_pin(void)
{
    return false;
}

void host_memory_unpin(void)
{
}

void *host_memory(size_t size)
{
    void *p = malloc(size);
    assert_non_null(p);
    return p;
}

void host_memory_free(void *p)
{
    free(p);
}

#endif
