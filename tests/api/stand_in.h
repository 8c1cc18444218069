/* What a dlpack.h that somebody includes before parseal's may be, as far as a tensor needs it. With
 * STAND_IN_MINOR it is like those of DLPack 1.0 and 1.1, whose managed tensor has no typedef in C;
 * without it like those of 0.6 to 0.8, which do not have that at all. */
#ifndef DLPACK_DLPACK_H_
#define DLPACK_DLPACK_H_

#include <stdint.h>

#ifdef STAND_IN_MINOR
#define DLPACK_MAJOR_VERSION 1
#define DLPACK_MINOR_VERSION STAND_IN_MINOR
#else
#define DLPACK_VERSION     60
#define DLPACK_ABI_VERSION 1
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
typedef enum : int32_t {
#else
typedef enum {
#endif
    kDLCPU = 1
} DLDeviceType;
typedef struct {
    DLDeviceType device_type;
    int32_t device_id;
} DLDevice;

typedef enum { kDLInt = 0U, kDLUInt = 1U } DLDataTypeCode;
typedef struct {
    uint8_t code, bits;
    uint16_t lanes;
} DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} DLTensor;

#ifdef STAND_IN_MINOR
typedef struct {
    uint32_t major, minor;
} DLPackVersion;
struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
};
#endif

#ifdef __cplusplus
}
#endif

#endif
