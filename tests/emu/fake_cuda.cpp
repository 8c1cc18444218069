/* A libcuda.so.1 without a GPU: device memory is the host's, and kernels run in the emulator. What
 * is enqueued is done only when somebody waits for it, so that who forgets to wait finds nothing,
 * or in a random order of the streams (fake_streams.cpp).
 *
 * The n-th call can be made to fail, and what is made and not yet given back is counted: see
 * tests/device/shim.h, whose functions this runtime has, too.
 *
 * The environment shapes the machine, when a call looks at what it says:
 *   PARSEAL_EMU_DEVICES=n        how many devices there are, 4 at most; without it 2
 *   PARSEAL_EMU_CAPABILITY=xy    compute capability x.y of the first one instead of 9.0
 *   PARSEAL_EMU_PTX=xy           kernels are loaded from PTX of capability x.y, no machine code
 *   PARSEAL_EMU_REFUSED=KERNEL   it is not launched: there is no memory for it
 *   PARSEAL_EMU_CLMAD=0          kernels with carry-less multiplications are not in what is loaded
 *   PARSEAL_EMU_SLOW=kernel      this kernel takes a hundred times as long as the others
 *   PARSEAL_EMU_BUSY=n           this device is in exclusive use
 *   PARSEAL_TEST_MEMORY=n        bytes of the GiB of each device's memory that others have left
 *   PARSEAL_EMU_PINNED=0         no pinned memory is to be had
 *   PARSEAL_EMU_DRIVER=n         the driver's version instead of 13000
 *   PARSEAL_EMU_FAULT=n:kernel   a run of this kernel faults with error n, and the context with it
 *   PARSEAL_EMU_MAPPED=n         memory is said to be mapped in pieces of n bytes
 *   PARSEAL_EMU_SEED=n           streams go on at random times, those of seed n
 *   PARSEAL_EMU_WRONG=kernel     the last byte that a run of this kernel changes gets a wrong bit
 *   PARSEAL_EMU_WRONG=kernel:    the first one
 *   PARSEAL_EMU_WRONG_DEVICE=n   and only on this device
 *   PARSEAL_EMU_WRONG_COPIES=1   what is read back is wrong where it is more than known answers
 * take
 */
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <unistd.h>

#include "emulator.h"
#include "fake_cuda.h"
#include "kernels/kernels.h"

namespace fake
{

enum { DEVICES = 4, MULTIPROCESSORS = 3 };
/* CUdevice_attribute, of those that only the bench asks for. */
enum { CLOCK_KHZ = 13, MEMORY_CLOCK_KHZ = 36, MEMORY_BUS_BITS = 37 };

std::recursive_mutex lock;
std::atomic<uint64_t> calls, fails_at, waits, wrong, unwiped;
std::atomic<int64_t> live;
const char *volatile failed = "";

struct allocation {
    size_t size;
    int device;
};

std::map<cu_pointer, allocation> allocations, pinned; /* on devices, of the host */
thread_local std::deque<int> current;                 /* contexts: of which device */
char contexts[DEVICES];
std::map<std::string, uint64_t> launches; /* by kernel */
std::map<int, double> clocks;

bool failing(const char *name)
{
    if (calls.fetch_add(1) + 1 != fails_at.load())
        return false;
    failed = name;
    return true;
}

void spoil(char *bytes, size_t size)
{
    enum { ANSWERS_MAX = 1 << 18 };
    if (size > ANSWERS_MAX && std::getenv("PARSEAL_EMU_WRONG_COPIES") != nullptr)
        bytes[size / 2] ^= 1;
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

/* The bytes of the current device's memory that nobody has. */
size_t left()
{
    const char *ours = std::getenv("PARSEAL_TEST_MEMORY");
    const size_t all = ours != nullptr ? (size_t)std::atoll(ours) : (size_t)MEMORY;
    size_t taken = 0;
    for (const auto &[at, is] : allocations)
        taken += is.device == current.back() ? is.size : 0;
    return taken < all ? all - taken : 0;
}

bool free_memory(cu_pointer pointer)
{
    const auto found = allocations.find(pointer);
    if (found == allocations.end())
        return false;
    const char *bytes = reinterpret_cast<char *>(pointer);
    unwiped += std::any_of(bytes, bytes + found->second.size, [](char c) { return c != 0; });
    allocations.erase(found);
    std::free(reinterpret_cast<void *>(pointer));
    live--;
    return true;
}

bool is_pinned(const void *from, size_t size)
{
    return find(pinned, reinterpret_cast<cu_pointer>(from), size) != pinned.end();
}

const char *variable(const char *name, const char *otherwise)
{
    const char *text = std::getenv(name);
    return text != nullptr ? text : otherwise;
}

int devices()
{
    return std::min((int)DEVICES, std::atoi(variable("PARSEAL_EMU_DEVICES", "2")));
}

/* The first device is like one of compute capability 9.0, the others like one of 7.5. */
int capability(int device)
{
    return device == 0 ? std::atoi(variable("PARSEAL_EMU_CAPABILITY", "90")) : 75;
}

std::vector<char> all_memory()
{
    std::vector<char> bytes;
    for (const auto &[at, is] : allocations)
        bytes.insert(bytes.end(), reinterpret_cast<char *>(at),
                     reinterpret_cast<char *>(at) + is.size);
    return bytes;
}

void spoil_change(const std::vector<char> &before, bool first)
{
    char *spoilt = nullptr;
    size_t i = 0;
    for (const auto &[at, is] : allocations)
        for (size_t k = 0; k < is.size; k++, i++)
            if (reinterpret_cast<char *>(at)[k] != before[i] && (!first || spoilt == nullptr))
                spoilt = reinterpret_cast<char *>(at) + k;
    if (spoilt == nullptr)
        return;
    *spoilt ^= (char)0x80;
    wrong++;
}

/* By events, as on a large device: multiplying integers takes far longer than other ways. */
double milliseconds(const std::string &kernel)
{
    const double usual = kernel == "aead_hash" ? 4 : 0.5;
    return kernel == variable("PARSEAL_EMU_SLOW", "") ? 100 * usual : usual;
}

/* Neither PTX nor what an older nvcc has made has these. */
bool is_missing(const char *kernel)
{
    static const char *const clmad[] = {
#define NAME(file, name, threads, shared, items) #name,
        CUDA_GHASH_CLMAD_KERNELS(NAME) CUDA_AEAD_SEAL_KERNELS(NAME)
#undef NAME
    };
    const bool has = std::atoi(variable("PARSEAL_EMU_CLMAD", "1")) != 0 &&
                     std::atoi(variable("PARSEAL_EMU_PTX", "0")) == 0;
    return !has && std::any_of(std::begin(clmad), std::end(clmad),
                               [=](const char *name) { return std::strcmp(name, kernel) == 0; });
}

bool run_kernel(const emulated::kernel &kernel, int device, unsigned blocks, unsigned threads,
                unsigned shared, const emulated::thread_body &body)
{
    launches[kernel.name]++;
    clocks[device] += milliseconds(kernel.name);
    const std::string fault = variable("PARSEAL_EMU_FAULT", "");
    if (!fault.empty() && fault.substr(fault.find(':') + 1) == kernel.name)
        return false;
    const std::string wish = variable("PARSEAL_EMU_WRONG", ""), name = kernel.name;
    const int only = std::atoi(variable("PARSEAL_EMU_WRONG_DEVICE", "-1"));
    const bool here = only < 0 || only == device, first = wish == name + ":";
    const bool spoilt = here && (first || wish == name);
    const std::vector<char> before = spoilt ? all_memory() : std::vector<char>();
    if (!emulated::launch(kernel, blocks, threads, shared, body)) {
        std::fprintf(stderr, "%s\n", emulator_error());
        return false;
    }
    if (spoilt)
        spoil_change(before, first);
    return true;
}

} // namespace fake

using namespace fake;

extern "C" {

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

EXPORT uint64_t shim_waits(void)
{
    return waits;
}

EXPORT uint64_t fake_wrong(void)
{
    return wrong;
}

EXPORT uint64_t fake_launches(const char *kernel)
{
    const std::lock_guard<std::recursive_mutex> guard(lock);
    return launches[kernel];
}

EXPORT uint64_t fake_freed_unwiped(void)
{
    return unwiped;
}

EXPORT uint64_t fake_found(const void *bytes, uint64_t size)
{
    const std::lock_guard<std::recursive_mutex> guard(lock);
    const char *wanted = static_cast<const char *>(bytes);
    uint64_t n = 0;
    for (const auto &[at, is] : allocations) {
        const char *begin = reinterpret_cast<char *>(at), *end = begin + is.size;
        const auto next = [=](const char *p) { return std::search(p, end, wanted, wanted + size); };
        for (const char *p = next(begin); p != end; p = next(p + 1))
            n++;
    }
    return n;
}

EXPORT cu_result cuInit(unsigned)
{
    BEGIN(Init);
    static pid_t first = 0; /* the process that uses the driver: no child of its does */
    if (first == 0)
        first = getpid();
    if (first != getpid())
        return CU_NOT_INITIALIZED;
    return std::atoi(variable("PARSEAL_EMU_INIT", "0"));
}

EXPORT cu_result cuGetErrorName(cu_result error, const char **name)
{
    return error_name(error, name);
}

EXPORT cu_result cuDriverGetVersion(int *version)
{
    BEGIN(DriverGetVersion);
    *version = std::atoi(variable("PARSEAL_EMU_DRIVER", "13000"));
    return CU_OK;
}

EXPORT cu_result cuDeviceGetAttribute(int *value, int attribute, cu_device device)
{
    BEGIN(DeviceGetAttribute);
    const bool large = capability(device) >= 80;
    switch (attribute) {
    case CU_MULTIPROCESSORS:
        *value = MULTIPROCESSORS;
        return CU_OK;
    case CU_CAPABILITY_MAJOR:
        *value = capability(device) / 10;
        return CU_OK;
    case CU_CAPABILITY_MINOR:
        *value = capability(device) % 10;
        return CU_OK;
    case CU_SHARED_MEMORY_MAX:
        *value = large ? 227 * 1024 : 64 * 1024;
        return CU_OK;
    case CLOCK_KHZ:
    case MEMORY_CLOCK_KHZ:
        *value = 1000000;
        return CU_OK;
    case MEMORY_BUS_BITS:
        *value = 64;
        return CU_OK;
    default:
        return INVALID_VALUE;
    }
}

EXPORT cu_result cuDevicePrimaryCtxRetain(cu_context *context, cu_device device)
{
    BEGIN(DevicePrimaryCtxRetain);
    if (spoils_capture())
        return CAPTURE_UNSUPPORTED;
    if (std::atoi(variable("PARSEAL_EMU_BUSY", "-1")) == device)
        return DEVICE_UNAVAILABLE;
    *context = reinterpret_cast<cu_context>(&contexts[device]);
    live++;
    return CU_OK;
}

EXPORT cu_result cuDevicePrimaryCtxRelease_v2(cu_device)
{
    BEGIN_RELEASE(DevicePrimaryCtxRelease);
    if (spoils_capture())
        return CAPTURE_UNSUPPORTED;
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

EXPORT cu_result cuModuleLoadData(cu_module *handle, const void *image)
{
    BEGIN_ALLOCATION(ModuleLoadData);
    if (image == nullptr)
        return INVALID_VALUE;
    *handle = reinterpret_cast<cu_module>(new module{current.back(), {}});
    live++;
    return CU_OK;
}

EXPORT cu_result cuModuleUnload(cu_module handle)
{
    BEGIN_RELEASE(ModuleUnload);
    if (spoils_capture())
        return CAPTURE_UNSUPPORTED;
    delete reinterpret_cast<module *>(handle);
    live--;
    return result;
}

EXPORT cu_result cuModuleGetFunction(cu_function *handle, cu_module from, const char *name)
{
    BEGIN_INSIDE(ModuleGetFunction);
    module *m = reinterpret_cast<module *>(from);
    if (emulated::find_kernel(name) == nullptr || is_missing(name))
        return NOT_FOUND;
    m->functions.push_back({emulated::find_kernel(name), m->device});
    *handle = reinterpret_cast<cu_function>(&m->functions.back());
    return CU_OK;
}

EXPORT cu_result cuFuncGetAttribute(int *value, int attribute, cu_function handle)
{
    BEGIN_INSIDE(FuncGetAttribute);
    const int own = capability(reinterpret_cast<const function *>(handle)->device);
    const int ptx = std::atoi(variable("PARSEAL_EMU_PTX", "0"));
    if (attribute != CU_FUNCTION_PTX_VERSION && attribute != CU_FUNCTION_BINARY_VERSION)
        return INVALID_VALUE;
    *value = attribute == CU_FUNCTION_PTX_VERSION && ptx != 0 ? ptx : own;
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

EXPORT cu_result cuLaunchKernel(cu_function handle, unsigned blocks, unsigned, unsigned,
                                unsigned threads, unsigned, unsigned, unsigned shared, cu_stream s,
                                void **args, void **)
{
    BEGIN_INSIDE(LaunchKernel);
    const function *f = reinterpret_cast<const function *>(handle);
    if (f->device != current.back())
        return CU_INVALID_HANDLE;
    const emulated::kernel *kernel = f->kernel;
    if (std::strcmp(variable("PARSEAL_EMU_REFUSED", ""), kernel->name) == 0)
        return CU_OUT_OF_MEMORY;
    const emulated::thread_body body = kernel->bind(*kernel, args);
    const int device = f->device;
    return enqueue(s, [=] { return run_kernel(*kernel, device, blocks, threads, shared, body); });
}

EXPORT cu_result cuMemAlloc_v2(cu_pointer *pointer, size_t size)
{
    BEGIN_ALLOCATION(MemAlloc);
    void *memory = nullptr;
    if (size > left() || posix_memalign(&memory, 256, size) != 0)
        return CU_OUT_OF_MEMORY;
    std::memset(memory, 0xa5, size);
    *pointer = reinterpret_cast<cu_pointer>(memory);
    allocations[*pointer] = {size, current.back()};
    live++;
    return CU_OK;
}

/* It waits for the whole device. */
EXPORT cu_result cuMemFree_v2(cu_pointer pointer)
{
    BEGIN_RELEASE(MemFree);
    if (spoils_capture())
        return CAPTURE_UNSUPPORTED;
    const auto found = allocations.find(pointer);
    if (found == allocations.end())
        return INVALID_VALUE;
    waits++;
    (void)finish_device(found->second.device);
    free_memory(pointer);
    return result;
}

EXPORT cu_result cuMemFreeAsync(cu_pointer pointer, cu_stream s)
{
    BEGIN_INSIDE(MemFreeAsync);
    if (allocations.count(pointer) == 0)
        return INVALID_VALUE;
    return enqueue(s, [=] { return free_memory(pointer); });
}

EXPORT cu_result cuMemHostAlloc(void **memory, size_t size, unsigned)
{
    BEGIN_ALLOCATION(MemHostAlloc);
    if (std::atoi(variable("PARSEAL_EMU_PINNED", "1")) == 0)
        return CU_OUT_OF_MEMORY;
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
    if (spoils_capture())
        return CAPTURE_UNSUPPORTED;
    if (pinned.erase(reinterpret_cast<cu_pointer>(memory)) == 0)
        return INVALID_VALUE;
    std::free(memory);
    live--;
    return result;
}

EXPORT cu_result cuMemcpyHtoDAsync_v2(cu_pointer to, const void *from, size_t size, cu_stream s)
{
    BEGIN_INSIDE(MemcpyHtoDAsync);
    const stream *of = stream_of(s);
    if (of != nullptr && !of->capturing && !is_pinned(from, size))
        waits++; /* CUDA may wait for the stream before it copies such memory. */
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
        spoil(static_cast<char *>(to), size);
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
    if (!current.empty() && lost[current.back()] != CU_OK)
        return lost[current.back()];
    const bool on_device = is_device_memory(at, 1);
    const memories &among = on_device ? allocations : pinned;
    const auto found = find(among, at, 1);
    if (found == among.end())
        return INVALID_VALUE;
    const size_t mapped = (size_t)std::atoi(variable("PARSEAL_EMU_MAPPED", "0"));
    const size_t before = mapped > 0 ? (at - found->first) / mapped * mapped : 0;
    const size_t rest = found->second.size - before;
    switch (attribute) {
    case CU_POINTER_MEMORY_TYPE:
        *static_cast<unsigned *>(value) = on_device ? CU_MEMORY_DEVICE : CU_MEMORY_HOST;
        return CU_OK;
    case CU_POINTER_DEVICE_ORDINAL:
        *static_cast<int *>(value) = found->second.device;
        return CU_OK;
    case CU_POINTER_RANGE_START:
        *static_cast<cu_pointer *>(value) = found->first + before;
        return CU_OK;
    case CU_POINTER_RANGE_SIZE:
        *static_cast<size_t *>(value) = mapped > 0 ? std::min(mapped, rest) : rest;
        return CU_OK;
    case CU_POINTER_IS_WHOLE:
        *static_cast<unsigned *>(value) = mapped == 0;
        return CU_OK;
    default:
        return INVALID_VALUE;
    }
}
}

/* ----------------------------------------------------------- what parseal-bench-device calls -- */

extern "C" {

EXPORT cu_result cuMemGetInfo_v2(size_t *free_bytes, size_t *all)
{
    BEGIN_INSIDE(MemGetInfo);
    *all = MEMORY;
    *free_bytes = left();
    return CU_OK;
}

EXPORT cu_result cuMemcpyDtoDAsync_v2(cu_pointer to, cu_pointer from, size_t size, cu_stream s)
{
    BEGIN_INSIDE(MemcpyDtoDAsync);
    return enqueue(s, [=] {
        if (!is_device_memory(to, size) || !is_device_memory(from, size))
            return false;
        std::memcpy(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), size);
        return true;
    });
}
}
