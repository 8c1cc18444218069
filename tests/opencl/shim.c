#include "shim.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/dynlib.h"
#include "host/opencl/cl_api.h"

/* cl_khr_icd's error where no platform is installed. */
enum { PLATFORM_NOT_FOUND = -1001 };

static cl_api real;
static atomic_uint_fast64_t calls, fails_at;
static atomic_int_fast64_t live;
static const char *volatile failed = "";

__attribute__((constructor)) static void load(void)
{
    const char *const names[] = {getenv("PARSEAL_TEST_LIBOPENCL"), NULL};
    real.library = dynlib_open(names);
#define FIND(result, name, parameters) \
    dynlib_function(real.library, "cl" #name, &real.name, sizeof real.name);
    if (real.library != NULL) {
        CL_API_FUNCTIONS(FIND)
    }
#undef FIND
}

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

/* a3, a2, a1 for three parameters: the last is always a1. */
#define COUNT(...)                                   COUNT_(__VA_ARGS__, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define COUNT_(a, b, c, d, e, f, g, h, i, j, n, ...) n
#define JOIN(a, b)                                   JOIN_(a, b)
#define JOIN_(a, b)                                  a##b

#define PARAMETERS_1(T)       __typeof__(T) a1
#define PARAMETERS_2(T, ...)  __typeof__(T) a2, PARAMETERS_1(__VA_ARGS__)
#define PARAMETERS_3(T, ...)  __typeof__(T) a3, PARAMETERS_2(__VA_ARGS__)
#define PARAMETERS_4(T, ...)  __typeof__(T) a4, PARAMETERS_3(__VA_ARGS__)
#define PARAMETERS_5(T, ...)  __typeof__(T) a5, PARAMETERS_4(__VA_ARGS__)
#define PARAMETERS_6(T, ...)  __typeof__(T) a6, PARAMETERS_5(__VA_ARGS__)
#define PARAMETERS_7(T, ...)  __typeof__(T) a7, PARAMETERS_6(__VA_ARGS__)
#define PARAMETERS_8(T, ...)  __typeof__(T) a8, PARAMETERS_7(__VA_ARGS__)
#define PARAMETERS_9(T, ...)  __typeof__(T) a9, PARAMETERS_8(__VA_ARGS__)
#define PARAMETERS_10(T, ...) __typeof__(T) a10, PARAMETERS_9(__VA_ARGS__)
#define PARAMETERS(...)       (JOIN(PARAMETERS_, COUNT(__VA_ARGS__))(__VA_ARGS__))

#define ARGUMENTS_1    a1
#define ARGUMENTS_2    a2, a1
#define ARGUMENTS_3    a3, a2, a1
#define ARGUMENTS_4    a4, a3, a2, a1
#define ARGUMENTS_5    a5, a4, a3, a2, a1
#define ARGUMENTS_6    a6, a5, a4, a3, a2, a1
#define ARGUMENTS_7    a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS_8    a8, a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS_9    a9, a8, a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS_10   a10, a9, a8, a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS(...) (JOIN(ARGUMENTS_, COUNT(__VA_ARGS__)))

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
