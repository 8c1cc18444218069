/* CUDA graphs of the emulated driver: what a stream captures instead of doing it. */
#include <algorithm>

#include "fake_cuda.h"

using namespace fake;

extern "C" {

EXPORT cu_result cuStreamBeginCapture_v2(cu_stream handle, int mode)
{
    BEGIN_INSIDE(StreamBeginCapture);
    stream *s = stream_of(handle);
    if (s == nullptr || s->capturing)
        return INVALID_VALUE;
    if (s == stream_of(nullptr))
        return CAPTURE_UNSUPPORTED;
    s->capturing = true;
    s->invalidated = false;
    s->mode = mode;
    s->by = std::this_thread::get_id();
    capturing.push_back(s);
    return CU_OK;
}

EXPORT cu_result cuStreamEndCapture(cu_stream handle, void **graph)
{
    BEGIN_INSIDE(StreamEndCapture);
    stream *s = stream_of(handle);
    if (s == nullptr || !s->capturing)
        return INVALID_VALUE;
    const bool fine = !s->invalidated;
    *graph = fine ? new commands(s->captured) : nullptr;
    live += fine;
    s->capturing = s->invalidated = false;
    s->captured.clear();
    capturing.erase(std::find(capturing.begin(), capturing.end(), s));
    return fine ? (int)CU_OK : (int)CAPTURE_INVALIDATED;
}

EXPORT cu_result cuStreamIsCapturing(cu_stream handle, int *status)
{
    BEGIN_INSIDE(StreamIsCapturing);
    const stream *s = stream_of(handle);
    if (s == nullptr)
        return CU_INVALID_HANDLE;
    if (is_implicit(s))
        return CAPTURE_IMPLICIT; /* Asking spoils nothing. */
    *status = s->invalidated ? 2 : s->capturing;
    return CU_OK;
}

/* As cuGetErrorName it never fails, and is no call that can be made to. */
EXPORT cu_result cuThreadExchangeStreamCaptureMode(int *mode)
{
    std::swap(*mode, thread_mode);
    return CU_OK;
}

EXPORT cu_result cuGraphInstantiateWithFlags(void **exec, void *graph, unsigned long long)
{
    BEGIN_INSIDE(GraphInstantiateWithFlags);
    *exec = new commands(*static_cast<commands *>(graph));
    live++;
    return CU_OK;
}

EXPORT cu_result cuGraphLaunch(void *exec, cu_stream s)
{
    BEGIN_INSIDE(GraphLaunch);
    cu_result result = CU_OK;
    for (const command &c : *static_cast<commands *>(exec))
        if (result == CU_OK)
            result = enqueue(s, c);
    return result;
}

EXPORT cu_result cuGraphExecDestroy(void *exec)
{
    BEGIN_RELEASE(GraphExecDestroy);
    delete static_cast<commands *>(exec);
    live--;
    return result;
}

EXPORT cu_result cuGraphDestroy(void *graph)
{
    BEGIN_RELEASE(GraphDestroy);
    delete static_cast<commands *>(graph);
    live--;
    return result;
}
}
