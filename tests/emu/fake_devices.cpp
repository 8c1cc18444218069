/* What the emulated driver says of its devices before one is opened. The environment shapes it:
 *   PARSEAL_EMU_NAMES=a;b        names of the devices instead of "Emulated GPU 0" and so on
 *   PARSEAL_EMU_INIT=n           cuInit fails with this error
 *   PARSEAL_EMU_MIG=1            each device is a part of a GPU and has a UUID of its own
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "fake_cuda.h"

namespace fake
{

std::string device_name(int device)
{
    std::string names = variable("PARSEAL_EMU_NAMES", "");
    for (int i = 0; i < device && !names.empty(); i++)
        names.erase(0, names.find(';') == std::string::npos ? names.size() : names.find(';') + 1);
    const std::string name = names.substr(0, names.find(';'));
    return name.empty() ? "Emulated GPU " + std::to_string(device) : name;
}

/* The toolkit's stub answers every call with the same error. */
cu_result error_name(cu_result error, const char **name)
{
    static const struct {
        cu_result error;
        const char *name;
    } names[] = {{CU_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
                 {DEVICE_UNAVAILABLE, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
                 {CU_NO_DEVICE, "CUDA_ERROR_NO_DEVICE"},
                 {802, "CUDA_ERROR_SYSTEM_NOT_READY"},
                 {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
                 {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"}};
    if (error == STUB_LIBRARY)
        return STUB_LIBRARY;
    *name = "CUDA_ERROR_UNKNOWN";
    for (const auto &row : names)
        if (row.error == error)
            *name = row.name;
    return CU_OK;
}

namespace
{

/* 00a1b2c3-d4e5-f607-1829-3a4b5c6d7e8f for the first device; the first byte tells the others. */
cu_result put_uuid(cu_uuid *uuid, int device, unsigned char kind)
{
    static const unsigned char bytes[16] = {0x00, 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x07,
                                            0x18, 0x29, 0x3a, 0x4b, 0x5c, 0x6d, 0x7e, 0x8f};
    if (device < 0 || device >= devices())
        return INVALID_VALUE;
    std::memcpy(uuid->bytes, bytes, sizeof bytes);
    uuid->bytes[0] = (unsigned char)(kind + device);
    return CU_OK;
}

} // namespace
} // namespace fake

using namespace fake;

extern "C" {

EXPORT cu_result cuDeviceGetCount(int *n)
{
    BEGIN(DeviceGetCount);
    *n = devices();
    return CU_OK;
}

EXPORT cu_result cuDeviceGet(cu_device *device, int ordinal)
{
    BEGIN(DeviceGet);
    *device = ordinal;
    return ordinal >= 0 && ordinal < devices() ? (int)CU_OK : (int)INVALID_VALUE;
}

EXPORT cu_result cuDeviceTotalMem_v2(size_t *size, cu_device)
{
    BEGIN(DeviceTotalMem);
    *size = MEMORY;
    return CU_OK;
}

EXPORT cu_result cuDeviceGetName(char *name, int size, cu_device device)
{
    BEGIN(DeviceGetName);
    std::snprintf(name, (size_t)size, "%s", device_name(device).c_str());
    return CU_OK;
}

EXPORT cu_result cuDeviceGetUuid(cu_uuid *uuid, cu_device device)
{
    BEGIN(DeviceGetUuid);
    return put_uuid(uuid, device, 0);
}

EXPORT cu_result cuDeviceGetUuid_v2(cu_uuid *uuid, cu_device device)
{
    BEGIN(DeviceGetUuid_v2);
    return put_uuid(uuid, device, std::atoi(variable("PARSEAL_EMU_MIG", "0")) != 0 ? 0xf0 : 0);
}
}
