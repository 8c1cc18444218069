/* What the files of the emulated driver share, and what tests may ask it besides device/shim.h. */
#ifndef PARSEAL_TESTS_FAKE_CUDA_H
#define PARSEAL_TESTS_FAKE_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "launcher.h"

extern "C" {
#include "device/shim.h"
#include "host/cuda/cu_api.h"
#endif

/* How often a kernel has run, and how often PARSEAL_EMU_WRONG has spoilt a result. */
uint64_t fake_launches(const char *kernel);
uint64_t fake_wrong(void);

#ifdef __cplusplus
}

namespace fake
{

enum {
    INVALID_VALUE = 1,
    STUB_LIBRARY = 34,
    DEVICE_UNAVAILABLE = 46,
    INVALID_CONTEXT = 201,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURED_EVENT = 907,
    UNKNOWN = 999
};

using command = std::function<bool()>;
using commands = std::deque<command>;

struct stream {
    int device;
    commands waiting;
    bool broken = false;
    bool capturing = false, invalidated = false; /* what is captured has been spoiled */
    commands captured;
};

struct event {
    bool captured = false;
};

struct function {
    const emulated::kernel *kernel;
    int device;
};

struct module {
    int device;
    std::deque<function> functions; /* each stays where it is */
};

extern std::recursive_mutex lock;
extern std::atomic<int64_t> live;
extern thread_local std::deque<int> current; /* contexts: of which device */
extern std::vector<stream *> capturing;

bool failing(const char *name);
int devices(); /* how many there are */
cu_result error_name(cu_result error, const char **name);

/* A variable of the environment. */
const char *variable(const char *name, const char *otherwise);
cu_result enqueue(cu_stream handle, command what);

} // namespace fake

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
#define BEGIN_ALLOCATION(name) \
    BEGIN_INSIDE(name);        \
    if (spoils_capture())      \
    return CAPTURE_UNSUPPORTED
/* What a caller cannot try again is done even where it is said to have failed. */
#define BEGIN_RELEASE(name)                                  \
    const std::lock_guard<std::recursive_mutex> guard(lock); \
    const cu_result result = failing(#name) ? (int)UNKNOWN : (int)CU_OK

#endif
#endif
