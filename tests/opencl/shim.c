/* An OpenCL runtime that hands every call on to the real one, whose path is in
 * PARSEAL_TEST_LIBOPENCL. Without that there is no platform. */
#include "device/shim.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/real.h"

/* cl_khr_icd's error where no platform is installed. */
enum { PLATFORM_NOT_FOUND = -1001 };

static atomic_uint_fast64_t calls, fails_at, waits;
static atomic_int_fast64_t live;
static const char *volatile failed = "";

void shim_fail_at(uint64_t n)
{
    atomic_store(&calls, 0);
    atomic_store(&fails_at, n);
    failed = "";
}

uint64_t shim_calls(void)
{
    return atomic_load(&calls);
}

const char *shim_failed(void)
{
    return failed;
}

int64_t shim_live(void)
{
    return atomic_load(&live);
}

uint64_t shim_waits(void)
{
    return atomic_load(&waits);
}

/* ----------------------------------------------------------------------------------- one call --
 */

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool fails(const char *name)
{
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fails_at))
        return false;
    failed = name;
    return true;
}

/* What a caller cannot try again is done even where it is said to have failed. A device that
 * nothing can be got from any more has nothing under way either. */
static bool done_all_the_same(const char *name)
{
    return begins(name, "Release") || strcmp(name, "EnqueueUnmapMemObject") == 0 ||
           strcmp(name, "Finish") == 0;
}

/* `made`: whether the call returned what its name says. */
static void count_live(const char *name, bool made)
{
    if (made &&
        (begins(name, "Create") || begins(name, "Retain") || strcmp(name, "EnqueueMapBuffer") == 0))
        atomic_fetch_add(&live, 1);
    if (begins(name, "Release") || strcmp(name, "EnqueueUnmapMemObject") == 0)
        atomic_fetch_sub(&live, 1);
    if (strcmp(name, "Finish") == 0 || strcmp(name, "WaitForEvents") == 0)
        atomic_fetch_add(&waits, 1);
}

/* By the type of the last argument: where the error goes, or the event. */
static void put_error(cl_int *error)
{
    if (error != NULL)
        *error = CL_OUT_OF_RESOURCES;
}

static void count_event(const cl_event *event)
{
    if (event != NULL)
        atomic_fetch_add(&live, 1);
}

static void ignore(const void *last)
{
    (void)last;
}

static bool succeeded(cl_int error)
{
    return error == CL_SUCCESS;
}

static bool is_object(const void *object)
{
    return object != NULL;
}

#define PUT_ERROR(last)   _Generic((last), cl_int * : put_error, default : ignore)(last)
#define COUNT_EVENT(last) _Generic((last), cl_event * : count_event, default : ignore)(last)

#define FAILURE(result) _Generic((result)0, cl_int : CL_OUT_OF_RESOURCES, default : NULL)
#define ABSENT(result)  _Generic((result)0, cl_int : PLATFORM_NOT_FOUND, default : NULL)
#define MADE(value)     _Generic((value), cl_int : succeeded, default : is_object)(value)

#define FORWARD(result, name, parameters)              \
    result CL_API_CALL cl##name PARAMETERS parameters  \
    {                                                  \
        const bool failing = fails(#name);             \
        if (real.name == NULL)                         \
            return ABSENT(result);                     \
        if (failing && !done_all_the_same(#name)) {    \
            PUT_ERROR(a1);                             \
            return FAILURE(result);                    \
        }                                              \
        result value = real.name ARGUMENTS parameters; \
        count_live(#name, MADE(value));                \
        if (failing)                                   \
            return FAILURE(result);                    \
        if (MADE(value))                               \
            COUNT_EVENT(a1);                           \
        return value;                                  \
    }
CL_API_FUNCTIONS(FORWARD)
