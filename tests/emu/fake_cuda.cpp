/* A libcuda.so.1 without a GPU: device memory is the host's, and kernels run in the emulator. What
 * is enqueued is done only when somebody waits for it, so that who forgets to wait finds nothing.
 *
 * The n-th call can be made to fail, and what is made and not yet given back is counted: see
 * tests/opencl/shim.h, whose functions this runtime has, too. */
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "emulator.h"
#include "launcher.h"

extern "C" {
#include "host/cuda/cu_api.h"
#include "opencl/shim.h"
}

namespace
{

enum { UNKNOWN = 999, INVALID_VALUE = 1, NOT_FOUND = 500, INVALID_CONTEXT = 201, CAPTURING = 900 };
enum { DEVICES = 2, MULTIPROCESSORS = 3, LAUNCH_FAILED = 719 };

std::recursive_mutex lock;
std::atomic<uint64_t> calls, fails_at;
std::atomic<int64_t> live;
const char *volatile failed = "";

using command = std::function<bool()>;

struct stream {
    std::deque<command> commands;
    bool capturing = false, broken = false;
};

struct allocation {
    size_t size;
    int device;
};

std::map<cu_pointer, allocation> allocations, pinned; /* on devices, of the host */
thread_local std::deque<int> current;                 /* contexts: of which device */
char contexts[DEVICES];
std::map<std::string, char> functions; /* by name; a function's address stands for it */

bool failing(const char *name)
{
    if (calls.fetch_add(1) + 1 != fails_at.load())
        return false;
    failed = name;
    return true;
}

bool run(stream *s)
{
    while (!s->commands.empty()) {
        const command next = s->commands.front();
        s->commands.pop_front();
        if (!next()) {
            s->broken = true;
            s->commands.clear();
        }
    }
    return !s->broken;
}

cu_result enqueue(cu_stream handle, command what)
{
    stream *s = reinterpret_cast<stream *>(handle);
    if (s == nullptr || current.empty())
        return INVALID_CONTEXT;
    s->commands.push_back(std::move(what));
    return CU_OK;
}

using memories = std::map<cu_pointer, allocation>;

/* The allocation that has [at, at + size) in it, or the end. */
memories::const_iterator find(const memories &among, cu_pointer at, size_t size)
{
    const auto next = among.upper_bound(at);
    if (next == among.begin())
        return among.end();
    const auto found = std::prev(next);
    const size_t before = at - found->first;
    return before <= found->second.size && size <= found->second.size - before ? found
                                                                               : among.end();
}

bool is_device_memory(cu_pointer at, size_t size)
{
    return find(allocations, at, size) != allocations.end();
}

} // namespace

extern "C" {

#define EXPORT __attribute__((visibility("default")))
/* A call begins: it may be the one that fails, and needs a context where CUDA's does. */
#define BEGIN(name)                                          \
    const std::lock_guard<std::recursive_mutex> guard(lock); \
    if (failing(#name))                                      \
    return UNKNOWN
#define BEGIN_INSIDE(name) \
    BEGIN(name);           \
    if (current.empty())   \
    return INVALID_CONTEXT
/* What a caller cannot try again is done even where it is said to have failed. */
#define BEGIN_RELEASE(name)                                  \
    const std::lock_guard<std::recursive_mutex> guard(lock); \
    const cu_result result = failing(#name) ? (int)UNKNOWN : (int)CU_OK

EXPORT void shim_fail_at(uint64_t n)
{
    calls = 0;
    fails_at = n;
    failed = "";
}

EXPORT uint64_t shim_calls(void)
{
    return calls;
}

EXPORT const char *shim_failed(void)
{
    return failed;
}

EXPORT int64_t shim_live(void)
{
    return live;
}

EXPORT cu_result cuInit(unsigned)
{
    BEGIN(Init);
    return CU_OK;
}

EXPORT cu_result cuGetErrorName(cu_result error, const char **name)
{
    *name = error == CU_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_UNKNOWN";
    return CU_OK;
}

EXPORT cu_result cuDriverGetVersion(int *version)
{
    BEGIN(DriverGetVersion);
    *version = 13000;
    return CU_OK;
}

EXPORT cu_result cuDeviceGetCount(int *n)
{
    BEGIN(DeviceGetCount);
    *n = DEVICES;
    return CU_OK;
}

EXPORT cu_result cuDeviceGet(cu_device *device, int ordinal)
{
    BEGIN(DeviceGet);
    *device = ordinal;
    return ordinal < DEVICES ? (int)CU_OK : (int)INVALID_VALUE;
}

EXPORT cu_result cuDeviceGetName(char *name, int size, cu_device device)
{
    BEGIN(DeviceGetName);
    std::snprintf(name, (size_t)size, "Emulated GPU %d", device);
    return CU_OK;
}

/* The first is like one of compute capability 9.0, the second like one of 7.5. */
EXPORT cu_result cuDeviceGetAttribute(int *value, int attribute, cu_device device)
{
    BEGIN(DeviceGetAttribute);
    const bool first = device == 0;
    switch (attribute) {
    case CU_MULTIPROCESSORS:
        *value = MULTIPROCESSORS;
        return CU_OK;
    case CU_CAPABILITY_MAJOR:
        *value = first ? 9 : 7;
        return CU_OK;
    case CU_CAPABILITY_MINOR:
        *value = first ? 0 : 5;
        return CU_OK;
    case CU_SHARED_MEMORY_MAX:
        *value = first ? 227 * 1024 : 64 * 1024;
        return CU_OK;
    default:
        return INVALID_VALUE;
    }
}

EXPORT cu_result cuDeviceTotalMem_v2(size_t *size, cu_device)
{
    BEGIN(DeviceTotalMem);
    *size = (size_t)1 << 30;
    return CU_OK;
}

EXPORT cu_result cuDevicePrimaryCtxRetain(cu_context *context, cu_device device)
{
    BEGIN(DevicePrimaryCtxRetain);
    *context = reinterpret_cast<cu_context>(&contexts[device]);
    live++;
    return CU_OK;
}

EXPORT cu_result cuDevicePrimaryCtxRelease_v2(cu_device)
{
    BEGIN_RELEASE(DevicePrimaryCtxRelease);
    live--;
    return result;
}

EXPORT cu_result cuCtxPushCurrent_v2(cu_context context)
{
    BEGIN(CtxPushCurrent);
    current.push_back((int)(reinterpret_cast<char *>(context) - contexts));
    live++;
    return CU_OK;
}

EXPORT cu_result cuCtxPopCurrent_v2(cu_context *context)
{
    BEGIN_RELEASE(CtxPopCurrent);
    if (current.empty())
        return INVALID_CONTEXT;
    *context = reinterpret_cast<cu_context>(&contexts[current.back()]);
    current.pop_back();
    live--;
    return result;
}

EXPORT cu_result cuModuleLoadData(cu_module *module, const void *image)
{
    BEGIN_INSIDE(ModuleLoadData);
    if (image == nullptr)
        return INVALID_VALUE;
    *module = reinterpret_cast<cu_module>(new int(0));
    live++;
    return CU_OK;
}

EXPORT cu_result cuModuleUnload(cu_module module)
{
    BEGIN_RELEASE(ModuleUnload);
    delete reinterpret_cast<int *>(module);
    live--;
    return result;
}

EXPORT cu_result cuModuleGetFunction(cu_function *function, cu_module, const char *name)
{
    BEGIN_INSIDE(ModuleGetFunction);
    if (emulated::find_kernel(name) == nullptr)
        return NOT_FOUND;
    *function =
        reinterpret_cast<cu_function>(const_cast<emulated::kernel *>(emulated::find_kernel(name)));
    return CU_OK;
}

EXPORT cu_result cuFuncSetAttribute(cu_function, int, int)
{
    BEGIN_INSIDE(FuncSetAttribute);
    return CU_OK;
}

EXPORT cu_result cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, cu_function, int, size_t)
{
    BEGIN_INSIDE(OccupancyMaxActiveBlocks);
    *blocks = 1;
    return CU_OK;
}

EXPORT cu_result cuLaunchKernel(cu_function function, unsigned blocks, unsigned, unsigned,
                                unsigned threads, unsigned, unsigned, unsigned shared, cu_stream s,
                                void **args, void **)
{
    BEGIN_INSIDE(LaunchKernel);
    const emulated::kernel *kernel = reinterpret_cast<const emulated::kernel *>(function);
    const emulated::thread_body body = kernel->bind(args);
    return enqueue(s, [=] {
        if (emulated::launch(*kernel, blocks, threads, shared, body))
            return true;
        std::fprintf(stderr, "%s\n", emulator_error());
        return false;
    });
}

EXPORT cu_result cuMemAlloc_v2(cu_pointer *pointer, size_t size)
{
    BEGIN_INSIDE(MemAlloc);
    void *memory = nullptr;
    if (posix_memalign(&memory, 256, size) != 0)
        return CU_OUT_OF_MEMORY;
    std::memset(memory, 0xa5, size);
    *pointer = reinterpret_cast<cu_pointer>(memory);
    allocations[*pointer] = {size, current.back()};
    live++;
    return CU_OK;
}

EXPORT cu_result cuMemFree_v2(cu_pointer pointer)
{
    BEGIN_RELEASE(MemFree);
    if (allocations.erase(pointer) == 0)
        return INVALID_VALUE;
    std::free(reinterpret_cast<void *>(pointer));
    live--;
    return result;
}

EXPORT cu_result cuMemHostAlloc(void **memory, size_t size, unsigned)
{
    BEGIN_INSIDE(MemHostAlloc);
    *memory = std::malloc(size);
    if (*memory == nullptr)
        return CU_OUT_OF_MEMORY;
    pinned[reinterpret_cast<cu_pointer>(*memory)] = {size, current.back()};
    live++;
    return CU_OK;
}

EXPORT cu_result cuMemFreeHost(void *memory)
{
    BEGIN_RELEASE(MemFreeHost);
    if (pinned.erase(reinterpret_cast<cu_pointer>(memory)) == 0)
        return INVALID_VALUE;
    std::free(memory);
    live--;
    return result;
}

EXPORT cu_result cuMemcpyHtoDAsync_v2(cu_pointer to, const void *from, size_t size, cu_stream s)
{
    BEGIN_INSIDE(MemcpyHtoDAsync);
    return enqueue(s, [=] {
        if (!is_device_memory(to, size))
            return false;
        std::memcpy(reinterpret_cast<void *>(to), from, size);
        return true;
    });
}

EXPORT cu_result cuMemcpyDtoHAsync_v2(void *to, cu_pointer from, size_t size, cu_stream s)
{
    BEGIN_INSIDE(MemcpyDtoHAsync);
    return enqueue(s, [=] {
        if (!is_device_memory(from, size))
            return false;
        std::memcpy(to, reinterpret_cast<const void *>(from), size);
        return true;
    });
}

EXPORT cu_result cuMemsetD32Async(cu_pointer to, unsigned word, size_t words, cu_stream s)
{
    BEGIN_INSIDE(MemsetD32Async);
    return enqueue(s, [=] {
        if (!is_device_memory(to, 4 * words))
            return false;
        for (size_t i = 0; i < words; i++)
            std::memcpy(reinterpret_cast<char *>(to) + 4 * i, &word, 4);
        return true;
    });
}

EXPORT cu_result cuPointerGetAttribute(void *value, int attribute, cu_pointer at)
{
    BEGIN(PointerGetAttribute);
    const bool on_device = is_device_memory(at, 0);
    const memories &among = on_device ? allocations : pinned;
    const auto found = find(among, at, 0);
    if (found == among.end())
        return INVALID_VALUE;
    switch (attribute) {
    case CU_POINTER_MEMORY_TYPE:
        *static_cast<unsigned *>(value) = on_device ? CU_MEMORY_DEVICE : CU_MEMORY_HOST;
        return CU_OK;
    case CU_POINTER_DEVICE_ORDINAL:
        *static_cast<int *>(value) = found->second.device;
        return CU_OK;
    case CU_POINTER_RANGE_START:
        *static_cast<cu_pointer *>(value) = found->first;
        return CU_OK;
    case CU_POINTER_RANGE_SIZE:
        *static_cast<size_t *>(value) = found->second.size;
        return CU_OK;
    default:
        return INVALID_VALUE;
    }
}

EXPORT cu_result cuStreamCreate(cu_stream *s, unsigned)
{
    BEGIN_INSIDE(StreamCreate);
    *s = reinterpret_cast<cu_stream>(new stream);
    live++;
    return CU_OK;
}

EXPORT cu_result cuStreamDestroy_v2(cu_stream handle)
{
    BEGIN_RELEASE(StreamDestroy);
    stream *s = reinterpret_cast<stream *>(handle);
    (void)run(s);
    delete s;
    live--;
    return result;
}

EXPORT cu_result cuStreamSynchronize(cu_stream handle)
{
    BEGIN_RELEASE(StreamSynchronize);
    stream *s = reinterpret_cast<stream *>(handle);
    if (current.empty())
        return INVALID_CONTEXT;
    return run(s) ? result : (int)LAUNCH_FAILED;
}

EXPORT cu_result cuEventCreate(cu_event *event, unsigned)
{
    BEGIN_INSIDE(EventCreate);
    *event = reinterpret_cast<cu_event>(new cu_stream(nullptr));
    live++;
    return CU_OK;
}

EXPORT cu_result cuEventDestroy_v2(cu_event event)
{
    BEGIN_RELEASE(EventDestroy);
    delete reinterpret_cast<cu_stream *>(event);
    live--;
    return result;
}

EXPORT cu_result cuEventRecord(cu_event, cu_stream s)
{
    BEGIN_INSIDE(EventRecord);
    return enqueue(s, [] { return true; });
}

EXPORT cu_result cuEventSynchronize(cu_event)
{
    BEGIN_INSIDE(EventSynchronize);
    return CU_OK;
}

EXPORT cu_result cuEventElapsedTime(float *milliseconds, cu_event, cu_event)
{
    BEGIN_INSIDE(EventElapsedTime);
    *milliseconds = 0.5f;
    return CU_OK;
}
}
