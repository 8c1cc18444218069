/* What the files of the emulated driver share, and what tests may ask it besides device/shim.h. */
#ifndef PARSEAL_TESTS_FAKE_CUDA_H
#define PARSEAL_TESTS_FAKE_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "launcher.h"

extern "C" {
#include "device/shim.h"
#include "host/cuda/cu_api.h"
#endif

/* How often a kernel has run, and how often PARSEAL_EMU_WRONG has spoilt a result. */
uint64_t fake_launches(const char *kernel);
uint64_t fake_wrong(void);

/* How much device memory has been freed, ever, that was not all zeros; and how often these bytes
 * are found in what has not been freed. */
uint64_t fake_freed_unwiped(void);
uint64_t fake_found(const void *bytes, uint64_t size);

#ifdef __cplusplus
}

namespace fake
{

enum {
    INVALID_VALUE = 1,
    STUB_LIBRARY = 34,
    DEVICE_UNAVAILABLE = 46,
    INVALID_CONTEXT = 201,
    NOT_FOUND = 500,
    LAUNCH_FAILED = 719,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_ISOLATION = 905,
    CAPTURE_IMPLICIT = 906,
    CAPTURED_EVENT = 907,
    UNKNOWN = 999
};

enum { MEMORY = 1 << 30 }; /* bytes of a device */

/* CUstreamCaptureMode */
enum { MODE_GLOBAL = 0, MODE_THREAD_LOCAL = 1, MODE_RELAXED = 2 };

struct stream;
using command = std::function<bool()>;
using commands = std::deque<command>;

/* How many of a stream's commands have been done. It outlives the stream. */
struct progress {
    stream *of;
    uint64_t done = 0;
};

/* It is reached when so many commands of a stream have been done. */
struct point {
    std::shared_ptr<progress> of;
    uint64_t n = 0;

    bool reached() const
    {
        return of == nullptr || of->done >= n;
    }
};

struct queued {
    command what;
    std::vector<point> after;
};

struct stream {
    int device;
    uint64_t id;
    bool blocking;          /* it waits for the legacy stream, and the legacy stream for it */
    bool destroyed = false; /* nobody has it any more, but it still has work to do */
    std::shared_ptr<progress> so_far;
    uint64_t enqueued = 0;
    std::deque<queued> waiting;
    bool capturing = false, invalidated = false; /* what is captured has been spoiled */
    int mode = 0;                                /* of the capture, which `by` has begun */
    std::thread::id by;
    commands captured;
};

struct event {
    bool captured = false;
    point at;
    std::shared_ptr<double> when; /* by the device's clock */
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
extern std::atomic<uint64_t> waits;
extern thread_local std::deque<int> current; /* contexts: of which device */
extern std::vector<stream *> capturing;
extern std::map<int, cu_result> lost; /* devices whose context a fault has ended, and with what */
extern std::map<int, double> clocks;  /* milliseconds that each device has computed */
extern thread_local int thread_mode;  /* what cuThreadExchangeStreamCaptureMode exchanges */

bool failing(const char *name);
int devices(); /* how many there are */
cu_result error_name(cu_result error, const char **name);

/* A variable of the environment. */
const char *variable(const char *name, const char *otherwise);

/* The stream of a handle, 0 (or 1), the legacy stream, and 2, the thread's own, included. nullptr:
 * there is none. A context is current. */
stream *stream_of(cu_stream handle);

/* Whether s is the legacy stream, and may not be used as a stream that waits for it is captured. */
bool is_implicit(const stream *s);

cu_result enqueue(cu_stream handle, command what);
cu_result finish_device(int device);

/* What is forbidden to this thread while a stream is captured fails, and spoils what has been
 * captured. */
bool spoils_capture();

} // namespace fake

#define EXPORT __attribute__((visibility("default")))
/* A call begins: it may be the one that fails, and needs a context where CUDA's does. */
#define BEGIN(name)                                          \
    const std::lock_guard<std::recursive_mutex> guard(lock); \
    if (failing(#name))                                      \
    return UNKNOWN
#define BEGIN_INSIDE(name)             \
    BEGIN(name);                       \
    if (current.empty())               \
        return INVALID_CONTEXT;        \
    if (lost[current.back()] != CU_OK) \
    return lost[current.back()]
#define BEGIN_ALLOCATION(name) \
    BEGIN_INSIDE(name);        \
    if (spoils_capture())      \
    return CAPTURE_UNSUPPORTED
/* What a caller cannot try again is done even where it is said to have failed. */
#define BEGIN_RELEASE(name)                                   \
    const std::lock_guard<std::recursive_mutex> guard(lock);  \
    const cu_result result = failing(#name)    ? (int)UNKNOWN \
                             : current.empty() ? (int)CU_OK   \
                                               : lost[current.back()]

#endif
#endif
