/* What an object's destruction has to wait for: the work on callers' streams that uses it. Of each
 * stream the last such work is marked, so that nothing else is waited for. */
#ifndef PARSEAL_HOST_GPU_USES_H
#define PARSEAL_HOST_GPU_USES_H

#include "host/gpu/device.h"

typedef struct gpu_uses gpu_uses;

parseal_status gpu_uses_open(gpu_uses **uses, const gpu_device *d);

/* Notes that work which has been enqueued on the caller's stream uses the object: a call's last
 * step, and also where `status`, of the steps before, is a failure, as some may have succeeded.
 * Returns that status or, where the work can neither be noted nor waited for, another one. */
parseal_status gpu_uses_note(gpu_uses *uses, const gpu_stream *s, parseal_status status);

/* Waits for all that was noted. What a graph replays is unknown, but for the streams that the
 * runtime's default stream waits for, and that one itself: they are waited for where work that uses
 * the object was captured. Closing NULL does nothing. */
void gpu_uses_close(gpu_uses *uses);

#endif
