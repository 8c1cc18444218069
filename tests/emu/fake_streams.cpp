/* Streams and events of the emulated driver. A stream's commands are done in order. Among streams
 * the order is what events say, and the rule of the legacy stream (handles 0 and 1): its work waits
 * for what was enqueued before on the device's blocking streams, the threads' own (handle 2) among
 * them, and later work of theirs waits for it.
 *
 * Nothing runs until somebody waits for it, and then no more than that needs. With PARSEAL_EMU_SEED
 * the streams go on in a random order, some of it whenever something is enqueued: orders that a
 * device may choose, the same for the same seed and the same calls. */
#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "fake_cuda.h"

namespace fake
{

std::vector<stream *> capturing;
thread_local int thread_mode = MODE_GLOBAL;
std::map<int, cu_result> lost;

static std::vector<stream *> streams; /* all of them, in the order of their making */
static std::map<int, stream *> legacy;
static std::map<std::pair<std::thread::id, int>, stream *> of_threads;

static stream *make(int device, bool blocking)
{
    static uint64_t made;
    stream *s = new stream();
    s->id = ++made;
    s->device = device;
    s->blocking = blocking;
    s->so_far = std::make_shared<progress>();
    s->so_far->of = s;
    streams.push_back(s);
    return s;
}

/* Streams that nobody makes or destroys, and those that were destroyed before their work was done:
 * they live as long as the driver is loaded. */
static std::vector<std::unique_ptr<stream>> kept;

/* The stream of `key`. */
template <typename key> static stream *made_once(std::map<key, stream *> &among, key k, int device)
{
    stream *&s = among[k];
    if (s == nullptr) {
        s = make(device, true);
        kept.emplace_back(s);
    }
    return s;
}

stream *stream_of(cu_stream handle)
{
    enum { LEGACY = 1, PER_THREAD = 2 };
    const int device = current.back();
    const auto number = reinterpret_cast<uintptr_t>(handle);
    if (number <= LEGACY)
        return made_once(legacy, device, device);
    if (number == PER_THREAD)
        return made_once(of_threads, std::make_pair(std::this_thread::get_id(), device), device);
    stream *s = reinterpret_cast<stream *>(handle);
    return std::find(streams.begin(), streams.end(), s) != streams.end() && !s->destroyed ? s
                                                                                          : nullptr;
}

static bool is_legacy(const stream *s)
{
    const auto found = legacy.find(s->device);
    return found != legacy.end() && found->second == s;
}

/* ---------------------------------------------------------------------------------- captures -- */

bool is_implicit(const stream *s)
{
    return is_legacy(s) && std::any_of(capturing.begin(), capturing.end(), [=](const stream *c) {
               return c->blocking && c->device == s->device;
           });
}

static bool is_forbidden_by(const stream *captured)
{
    if (thread_mode == MODE_RELAXED || captured->mode == MODE_RELAXED)
        return false;
    return captured->by == std::this_thread::get_id() ||
           (captured->mode == MODE_GLOBAL && thread_mode == MODE_GLOBAL);
}

template <typename predicate> static bool spoil_those(predicate is)
{
    bool any = false;
    for (stream *s : capturing)
        if (is(s))
            any = s->invalidated = true;
    return any;
}

bool spoils_capture()
{
    return spoil_those(is_forbidden_by);
}

/* Whether a use of the stream makes the legacy stream wait for what is only captured. */
static bool is_spoilt_by_using(const stream *s)
{
    return is_implicit(s) &&
           spoil_those([=](const stream *c) { return c->blocking && c->device == s->device; });
}

/* ------------------------------------------------------------------------------------- order -- */

static std::mt19937 engine;

static bool is_random()
{
    static std::string seeded_by;
    const std::string seed = variable("PARSEAL_EMU_SEED", "");
    if (seed != seeded_by && !seed.empty())
        engine.seed((unsigned)std::atoi(seed.c_str()));
    seeded_by = seed;
    return !seed.empty();
}

static size_t below(size_t n)
{
    return engine() % n;
}

/* Does the stream's next command. A failed one ends all that is enqueued, and the context. */
static void step(stream *s)
{
    const command next = s->waiting.front().what;
    s->waiting.pop_front();
    if (next()) {
        s->so_far->done++;
        return;
    }
    const cu_result error = std::atoi(variable("PARSEAL_EMU_FAULT", ""));
    lost[s->device] = error != CU_OK ? error : (int)LAUNCH_FAILED;
    for (stream *other : streams)
        if (other->device == s->device) {
            other->waiting.clear();
            other->so_far->done = other->enqueued;
        }
}

static const point *obstacle(const stream *s)
{
    for (const point &p : s->waiting.front().after)
        if (!p.reached())
            return &p;
    return nullptr;
}

/* Some stream that can go on, or nullptr. */
static stream *any_ready()
{
    std::vector<stream *> ready;
    std::copy_if(streams.begin(), streams.end(), std::back_inserter(ready),
                 [](const stream *s) { return !s->waiting.empty() && obstacle(s) == nullptr; });
    return ready.empty() ? nullptr : ready[below(ready.size())];
}

/* The stream that has to go on first, so that a point is reached. */
static stream *needed(const point &goal)
{
    stream *s = goal.of->of;
    for (const point *before = obstacle(s); before != nullptr; before = obstacle(s))
        s = before->of->of;
    return s;
}

static void reach(const point &goal)
{
    while (!goal.reached())
        step(is_random() ? any_ready() : needed(goal));
}

static point end_of(const stream *s)
{
    return {s->so_far, s->enqueued};
}

static void put(stream *s, queued next)
{
    if (is_legacy(s)) {
        for (const stream *other : streams)
            if (other->blocking && other->device == s->device && other != s)
                next.after.push_back(end_of(other));
    } else if (s->blocking && legacy.count(s->device) != 0) {
        next.after.push_back(end_of(legacy[s->device]));
    }
    s->enqueued++;
    s->waiting.push_back(std::move(next));
    for (size_t n = is_random() ? below(3) : 0; n > 0; n--)
        if (stream *ready = any_ready())
            step(ready);
}

static cu_result enqueue_after(cu_stream handle, queued next)
{
    if (current.empty())
        return INVALID_CONTEXT;
    stream *s = stream_of(handle);
    if (s == nullptr || s->device != current.back())
        return CU_INVALID_HANDLE;
    if (is_spoilt_by_using(s))
        return CAPTURE_IMPLICIT;
    if (s->invalidated)
        return CAPTURE_INVALIDATED;
    if (s->capturing)
        s->captured.push_back(std::move(next.what));
    else
        put(s, std::move(next));
    return CU_OK;
}

cu_result enqueue(cu_stream handle, command what)
{
    return enqueue_after(handle, {std::move(what), {}});
}

/* Returns the error of a fault that has happened by then. */
static cu_result finish(const stream *s)
{
    reach(end_of(s));
    return lost[s->device];
}

cu_result finish_device(int device)
{
    for (const stream *s : streams)
        if (s->device == device)
            (void)finish(s);
    return lost[device];
}

} // namespace fake

using namespace fake;

extern "C" {

EXPORT cu_result cuStreamCreate(cu_stream *s, unsigned flags)
{
    BEGIN_INSIDE(StreamCreate);
    *s = reinterpret_cast<cu_stream>(make(current.back(), flags != CU_STREAM_NON_BLOCKING));
    live++;
    return CU_OK;
}

EXPORT cu_result cuStreamDestroy_v2(cu_stream handle)
{
    BEGIN_RELEASE(StreamDestroy);
    stream *s = reinterpret_cast<stream *>(handle);
    const auto at = std::find(streams.begin(), streams.end(), s);
    if (at == streams.end() || s->destroyed)
        return CU_INVALID_HANDLE;
    s->destroyed = !s->waiting.empty();
    if (s->destroyed) {
        kept.emplace_back(s);
    } else {
        streams.erase(at);
        delete s;
    }
    live--;
    return result;
}

EXPORT cu_result cuStreamSynchronize(cu_stream handle)
{
    BEGIN_RELEASE(StreamSynchronize);
    if (current.empty())
        return INVALID_CONTEXT;
    stream *s = stream_of(handle);
    if (s == nullptr)
        return CU_INVALID_HANDLE;
    waits++;
    if (is_spoilt_by_using(s))
        return CAPTURE_IMPLICIT;
    if (s->capturing)
        s->invalidated = true;
    if (s->capturing || spoils_capture())
        return CAPTURE_UNSUPPORTED;
    const cu_result error = finish(s);
    return error != CU_OK ? error : result;
}

EXPORT cu_result cuStreamGetId(cu_stream handle, unsigned long long *id)
{
    BEGIN_INSIDE(StreamGetId);
    const stream *s = stream_of(handle);
    if (s == nullptr)
        return CU_INVALID_HANDLE;
    *id = s->id;
    return CU_OK;
}

EXPORT cu_result cuStreamWaitEvent(cu_stream handle, cu_event of, unsigned)
{
    BEGIN_INSIDE(StreamWaitEvent);
    const event *e = reinterpret_cast<const event *>(of);
    stream *s = stream_of(handle);
    if (s != nullptr && s->capturing != e->captured) {
        s->invalidated = s->capturing;
        return CAPTURE_ISOLATION;
    }
    return enqueue_after(handle, {[] { return true; }, {e->at}});
}

EXPORT cu_result cuEventCreate(cu_event *handle, unsigned)
{
    BEGIN_INSIDE(EventCreate);
    *handle = reinterpret_cast<cu_event>(new event);
    live++;
    return CU_OK;
}

EXPORT cu_result cuEventDestroy_v2(cu_event handle)
{
    BEGIN_RELEASE(EventDestroy);
    delete reinterpret_cast<event *>(handle);
    live--;
    return result;
}

EXPORT cu_result cuEventRecord(cu_event handle, cu_stream of)
{
    BEGIN_INSIDE(EventRecord);
    event *e = reinterpret_cast<event *>(handle);
    const auto when = std::make_shared<double>(0);
    const int device = current.back();
    const cu_result enqueued = enqueue(of, [=] {
        *when = clocks[device];
        return true;
    });
    e->when = when;
    if (enqueued != CU_OK)
        return enqueued;
    const stream *s = stream_of(of);
    e->captured = s->capturing;
    e->at = end_of(s);
    return CU_OK;
}

/* Whether the event may be asked now, or waited for. */
static cu_result may_ask(const event *e)
{
    const bool spoils = spoils_capture();
    if (e->captured)
        return CAPTURED_EVENT;
    return spoils ? (int)CAPTURE_UNSUPPORTED : (int)CU_OK;
}

EXPORT cu_result cuEventQuery(cu_event handle)
{
    BEGIN_INSIDE(EventQuery);
    const event *e = reinterpret_cast<const event *>(handle);
    const cu_result error = may_ask(e);
    if (error != CU_OK)
        return error;
    return e->at.reached() ? (int)CU_OK : (int)CU_NOT_READY;
}

EXPORT cu_result cuEventSynchronize(cu_event handle)
{
    BEGIN_INSIDE(EventSynchronize);
    const event *e = reinterpret_cast<const event *>(handle);
    waits++;
    const cu_result error = may_ask(e);
    if (error != CU_OK)
        return error;
    reach(e->at);
    return lost[current.back()];
}

/* Anything takes some time. */
EXPORT cu_result cuEventElapsedTime(float *milliseconds, cu_event from, cu_event to)
{
    BEGIN_INSIDE(EventElapsedTime);
    const event *begin = reinterpret_cast<const event *>(from);
    const event *end = reinterpret_cast<const event *>(to);
    if (begin->when == nullptr || end->when == nullptr)
        return CU_INVALID_HANDLE;
    *milliseconds = std::max(0.5f, (float)(*end->when - *begin->when));
    return CU_OK;
}
}
