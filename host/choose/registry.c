#include "host/choose/registry.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/choose/backends.h"
#include "host/choose/selftest/primitives.h"
#include "host/support/check.h"
#include "host/support/error.h"
#include "host/support/float_state.h"
#include "host/support/large_stack.h"
#include "host/support/process.h"
#include "host/support/sizes.h"
#include "host/support/threads.h"

/* ------------------------------------------------------------------------------ environment -- */

/* Returns NULL for an empty variable, too. */
static const char *environment(const char *variable)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the library changes the environment. */
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Stores options->backend or, where that is AUTO, the backend that PARSEAL_BACKEND names. */
static parseal_status wanted_backend(const parseal_options *options, int32_t *wanted)
{
    char names[64];
    *wanted = options->backend;
    if (!backend_is_known(*wanted))
        return parseal_fail(PARSEAL_ERR_ARG, "options.backend: %d is not a PARSEAL_BACKEND_*",
                            (int)*wanted);
    const char *name = environment("PARSEAL_BACKEND");
    if (name == NULL)
        return PARSEAL_OK;
    const int32_t id = backend_named(name);
    backend_names(names, sizeof names);
    if (id < 0)
        return parseal_fail(PARSEAL_ERR_ARG, "PARSEAL_BACKEND: \"%s\"; %s expected", name, names);
    if (id == PARSEAL_BACKEND_AUTO)
        return PARSEAL_OK;
    if (*wanted != PARSEAL_BACKEND_AUTO && *wanted != id)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                            "options.backend: %s, which PARSEAL_BACKEND=%s rules out",
                            parseal_backend_name(*wanted), name);
    *wanted = id;
    return PARSEAL_OK;
}

/* -------------------------------------------------------------------------------- selection -- */

/* Appends a remark to info->reason. */
static void remark(parseal_info *info, const char *format, ...)
{
    const size_t used = strlen(info->reason);
    const size_t room = sizeof info->reason - used;
    va_list args;
    if (used > 0)
        snprintf(info->reason + used, room, "; ");
    va_start(args, format);
    vsnprintf(info->reason + strlen(info->reason), sizeof info->reason - strlen(info->reason),
              format, args);
    va_end(args);
}

/* A backend without a list has one implementation of each primitive. */
static size_t impl_count(const parseal_backend *backend, const parseal_device *device,
                         int32_t primitive)
{
    return backend->impl_count != NULL ? backend->impl_count(device, primitive) : 1;
}

static parseal_impl_entry impl_entry(const parseal_backend *backend, const parseal_device *device,
                                     int32_t primitive, size_t index)
{
    if (backend->impl_entry != NULL)
        return backend->impl_entry(device, primitive, index);
    return (parseal_impl_entry){parseal_backend_name(backend->id), NULL, PARSEAL_USABLE};
}

static void impl_use(const parseal_backend *backend, parseal_device *device, int32_t primitive,
                     size_t index)
{
    if (backend->impl_use != NULL)
        backend->impl_use(device, primitive, index);
}

/* Implementations of the CPU that have computed their known answers, a bit for each. They are code
 * of this process on a processor that stays what it is, so an answer once right is so again, in
 * children of fork, too. What a GPU answers depends on a driver and on memory that are opened anew
 * for each context, so it is asked each time. */
static uint64_t passed[PARSEAL_PRIMITIVES]; /* under the process's lock */

static bool has_passed(const parseal_backend *backend, int32_t primitive, size_t index)
{
    if (backend != &parseal_cpu_backend || index >= 64)
        return false;
    process_lock();
    const bool has = passed[primitive] >> index & 1;
    process_unlock();
    return has;
}

static void remember_pass(const parseal_backend *backend, int32_t primitive, size_t index)
{
    if (backend != &parseal_cpu_backend || index >= 64)
        return;
    process_lock();
    passed[primitive] |= UINT64_C(1) << index;
    process_unlock();
}

/* Picks the best usable implementation of one primitive that computes its known answers. */
static parseal_status choose(const parseal_backend *backend, parseal_device *device,
                             int32_t primitive, parseal_choice *choice)
{
    const size_t said = strlen(choice->info.reason);
    char detail[192];
    for (size_t i = 0; i < impl_count(backend, device, primitive); i++) {
        const parseal_impl_entry entry = impl_entry(backend, device, primitive, i);
        if (entry.state != PARSEAL_USABLE)
            continue;
        impl_use(backend, device, primitive, i);
        const parseal_status status =
            has_passed(backend, primitive, i)
                ? PARSEAL_OK
                : parseal_selftest(backend, device, primitive, detail, sizeof detail);
        if (status == PARSEAL_OK) {
            remember_pass(backend, primitive, i);
            snprintf(choice->impl[primitive], sizeof choice->impl[primitive], "%s", entry.name);
            return PARSEAL_OK;
        }
        /* Memory for the test was short, so this implementation may well be right, and the next one
         * is slower. */
        if (status == PARSEAL_ERR_NO_MEMORY)
            return parseal_fail(status, "%s backend: no memory for the self-test of %s %s: %s",
                                parseal_backend_name(backend->id),
                                parseal_primitive_name(primitive), entry.name, detail);
        remark(&choice->info, "%s: %s %s failed its self-test (%s)",
               parseal_backend_name(backend->id), parseal_primitive_name(primitive), entry.name,
               detail);
    }
    const char *why = choice->info.reason + said;
    return parseal_fail(PARSEAL_ERR_SELFTEST,
                        "%s backend: no implementation of %s is right%s%s: %s",
                        parseal_backend_name(backend->id), parseal_primitive_name(primitive),
                        backend->place != NULL ? " on device " : "",
                        backend->place != NULL ? backend->place(device) : "",
                        why + strspn(why, "; ")); /* what a remark before it is parted by */
}

/* Chooses every primitive's implementation. Quantisation draws on the chosen masks, so the order
 * matters. */
static parseal_status choose_all(const parseal_backend *backend, parseal_device *device,
                                 parseal_choice *choice)
{
    parseal_info *info = &choice->info;
    for (int32_t primitive = 0; primitive < PARSEAL_PRIMITIVES; primitive++)
        TRY(choose(backend, device, primitive, choice));
    info->backend = backend->id;
    info->cpu_threads = backend->threads != NULL ? backend->threads(device) : 0;
    snprintf(info->device, sizeof info->device, "%s", backend->name(device));
    return PARSEAL_OK;
}

/* A device that fails leaves no remarks: its failure's text has them. */
static parseal_status open_device(const parseal_backend *backend, const parseal_request *request,
                                  parseal_device **device, parseal_choice *choice)
{
    const size_t said = choice != NULL ? strlen(choice->info.reason) : 0;
    parseal_device *opened;
    TRY(backend->open(&opened, request));
    const parseal_status status = choice != NULL ? choose_all(backend, opened, choice) : PARSEAL_OK;
    if (status != PARSEAL_OK) {
        const parseal_error error = parseal_error_save();
        choice->info.reason[said] = '\0';
        backend->close(opened);
        parseal_error_restore(&error);
        return status;
    }
    *device = opened;
    return PARSEAL_OK;
}

/* Opens the first device that is usable: with a choice, one on which every primitive computes its
 * known answers. Those that are passed over are remarked on. A caller's mistake ends the search, as
 * does a lack of memory for a backend that was named. Where none is usable, the text of the failure
 * names all, and its status is that of the first that is not simply unfit. */
static parseal_status open_backend(const parseal_backend *backend, const parseal_request *request,
                                   parseal_device **device, parseal_choice *choice)
{
    parseal_info others = PARSEAL_INFO_INIT;
    parseal_request each = *request;
    parseal_status failure = PARSEAL_OK;
    bool more = true;
    each.more = &more;
    for (each.candidate = 0; more; each.candidate++) {
        more = false;
        const parseal_status status = open_device(backend, &each, device, choice);
        if (status == PARSEAL_OK) {
            if (choice != NULL && others.reason[0] != '\0')
                remark(&choice->info, "%s", others.reason);
            return PARSEAL_OK;
        }
        if (status == PARSEAL_ERR_ARG || (status == PARSEAL_ERR_NO_MEMORY && request->named))
            return status;
        if (failure == PARSEAL_OK || failure == PARSEAL_ERR_NO_DEVICE)
            failure = status;
        remark(&others, "%s", parseal_last_error_text());
    }
    return parseal_fail(failure, "%s", others.reason);
}

parseal_status parseal_registry_open(parseal_registry registry, const parseal_options *options,
                                     const parseal_backend **backend, parseal_device **device,
                                     parseal_choice *choice)
{
    parseal_info *info = &choice->info;
    parseal_status status = PARSEAL_ERR_NO_DEVICE;
    int32_t wanted;

    TRY(wanted_backend(options, &wanted));
    const parseal_request request = {.named = wanted != PARSEAL_BACKEND_AUTO,
                                     .cpu_threads = options->cpu_threads,
                                     .time_kernels = options->time_kernels != 0,
                                     .device_memory = options->device_memory,
                                     .device = options->device,
                                     .opencl_context = options->opencl_context,
                                     .cpu_impl = {options->cpu_impl, environment("PARSEAL_CPU")}};
    const parseal_error before = parseal_error_save();
    *choice = (parseal_choice){.info = PARSEAL_INFO_INIT};
    for (size_t i = 0; i < registry.n; i++) {
        const parseal_registry_row *row = &registry.rows[i];
        const char *name = parseal_backend_name(row->id);
        if (wanted != PARSEAL_BACKEND_AUTO && wanted != row->id)
            continue;
        if (row->backend == NULL) {
            status = parseal_fail(PARSEAL_ERR_NO_DEVICE, "%s: %s", name, row->absent);
        } else {
            status = open_backend(row->backend, &request, device, choice);
            if (status == PARSEAL_OK) {
                remark(info, "%s: %s", name,
                       wanted == PARSEAL_BACKEND_AUTO ? "picked as the first that works"
                                                      : "asked for by name");
                *backend = row->backend;
                parseal_error_restore(&before);
                return PARSEAL_OK;
            }
            /* A name that nobody knows is the caller's mistake, whichever backend found it. */
            if (status == PARSEAL_ERR_ARG)
                return status;
        }
        remark(info, "%s", parseal_last_error_text());
    }
    return status;
}

parseal_status parseal_registry_open_beside(parseal_registry registry,
                                            const parseal_options *options,
                                            const parseal_backend *picked, parseal_side *cpu,
                                            parseal_choice *choice)
{
    const parseal_request request = {.cpu_threads = options->cpu_threads,
                                     .cpu_impl = {options->cpu_impl, environment("PARSEAL_CPU")}};
    const parseal_error before = parseal_error_save();
    int32_t wanted;
    *choice = (parseal_choice){.info = PARSEAL_INFO_INIT};
    *cpu = (parseal_side){NULL, NULL};
    if (picked->id == PARSEAL_BACKEND_CPU || wanted_backend(options, &wanted) != PARSEAL_OK ||
        wanted != PARSEAL_BACKEND_AUTO)
        return PARSEAL_OK;
    for (size_t i = 0; i < registry.n; i++) {
        const parseal_backend *backend = registry.rows[i].backend;
        if (registry.rows[i].id != PARSEAL_BACKEND_CPU || backend == NULL)
            continue;
        const parseal_status status = open_backend(backend, &request, &cpu->device, choice);
        if (status == PARSEAL_ERR_NO_MEMORY)
            return status;
        if (status == PARSEAL_OK)
            cpu->backend = backend;
    }
    parseal_error_restore(&before);
    return PARSEAL_OK;
}

/* ----------------------------------------------------------------- every implementation -- */

/* The place of the `index`-th row over all backends. */
typedef struct {
    const parseal_registry_row *row;
    int32_t primitive; /* -1: the row is a whole backend that cannot be opened */
    size_t impl;
    parseal_device *device;
    char detail[192];
} impl_place;

/* Counts the rows of all backends, and fills *place for row `index`, whose device is then open.
 * Sets *enough to false where a backend lacked memory, as its rows are then missing. */
static size_t walk(size_t index, uint32_t threads, impl_place *place, bool *enough)
{
    const parseal_registry registry = parseal_builtin_registry();
    const parseal_request request = {.named = true, .cpu_threads = threads};
    size_t count = 0;

    place->row = NULL;
    *enough = true;
    for (size_t i = 0; i < registry.n; i++) {
        const parseal_registry_row *row = &registry.rows[i];
        parseal_device *device = NULL;
        const char *why = row->absent;
        if (row->backend != NULL) {
            const parseal_status status = open_backend(row->backend, &request, &device, NULL);
            if (status != PARSEAL_OK)
                why = parseal_last_error_text();
            *enough = *enough && status != PARSEAL_ERR_NO_MEMORY;
        }
        if (device == NULL) {
            if (count++ == index) {
                *place = (impl_place){.row = row, .primitive = -1};
                snprintf(place->detail, sizeof place->detail, "%s", why);
            }
            continue;
        }
        for (int32_t primitive = 0; primitive < PARSEAL_PRIMITIVES; primitive++) {
            const size_t n = impl_count(row->backend, device, primitive);
            if (index >= count && index - count < n)
                *place = (impl_place){
                    .row = row, .primitive = primitive, .impl = index - count, .device = device};
            count += n;
        }
        if (place->device != device)
            row->backend->close(device);
    }
    return count;
}

static void run_count(void *count)
{
    impl_place place = {0};
    bool enough;
    *(size_t *)count = walk(SIZE_MAX, 1, &place, &enough);
}

size_t parseal_impl_count(void)
{
    const parseal_error before = parseal_error_save();
    size_t count = 0;
    with_large_stack(run_count, &count);
    parseal_error_restore(&before);
    return count;
}

/* Uses the place's implementation and, for all other primitives, the last one, which is the
 * reference: quantisation, for one, needs masks beside it. */
static void use_alone(const impl_place *place)
{
    const parseal_backend *backend = place->row->backend;
    for (int32_t primitive = 0; primitive < PARSEAL_PRIMITIVES; primitive++)
        impl_use(backend, place->device, primitive,
                 impl_count(backend, place->device, primitive) - 1);
    impl_use(backend, place->device, place->primitive, place->impl);
}

static parseal_status test_place(const impl_place *place, parseal_impl *impl)
{
    const parseal_backend *backend = place->row->backend;
    impl->backend = place->row->id;
    impl->primitive = place->primitive;
    if (place->device == NULL) {
        impl->state = backend == NULL ? PARSEAL_IMPL_NOT_BUILT : PARSEAL_IMPL_ABSENT;
        snprintf(impl->name, sizeof impl->name, "-");
        snprintf(impl->detail, sizeof impl->detail, "%s", place->detail);
        return PARSEAL_OK;
    }
    const parseal_impl_entry entry =
        impl_entry(backend, place->device, place->primitive, place->impl);
    snprintf(impl->name, sizeof impl->name, "%s", entry.name);
    snprintf(impl->device, sizeof impl->device, "%s", backend->name(place->device));
    if (entry.state == PARSEAL_MISSING) {
        impl->state = PARSEAL_IMPL_ABSENT;
        snprintf(impl->detail, sizeof impl->detail, "needs %s", entry.detail);
        return PARSEAL_OK;
    }
    use_alone(place);
    const float_state before = float_state_set();
    const parseal_status status = parseal_selftest(backend, place->device, place->primitive,
                                                   impl->detail, sizeof impl->detail);
    float_state_restore(&before);
    if (status == PARSEAL_ERR_NO_MEMORY)
        return parseal_fail(status, "impl: no memory for the self-test of %s: %s", impl->name,
                            impl->detail);
    impl->state = status == PARSEAL_OK ? PARSEAL_IMPL_PASSED : PARSEAL_IMPL_FAILED;
    return PARSEAL_OK;
}

typedef struct {
    size_t index;
    uint32_t threads;
    parseal_impl result;
    parseal_status status;
} impl_test;

static void run_impl_test(void *arg)
{
    impl_test *t = arg;
    impl_place place = {0};
    bool enough;
    const size_t count = walk(t->index, t->threads, &place, &enough);
    if (!enough)
        t->status = parseal_fail(PARSEAL_ERR_NO_MEMORY, "impl: no memory to open its backend");
    else if (place.row == NULL)
        t->status = parseal_fail(PARSEAL_ERR_SIZE, "index: %zu, but there are %zu implementations",
                                 t->index, count);
    else
        t->status = test_place(&place, &t->result);
    if (place.row != NULL && place.device != NULL)
        place.row->backend->close(place.device);
}

parseal_status parseal_impl_test(size_t index, parseal_impl *impl)
{
    impl_test t = {.index = index, .result = PARSEAL_IMPL_INIT};

    TRY(check_struct_size("impl", impl, PARSEAL_IMPL_SIZE_0));
    if (!process_ready())
        return parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");
    const parseal_error before = parseal_error_save();
    TRY(threads_open(0, &t.threads));
    with_large_stack(run_impl_test, &t);
    threads_close();
    TRY(t.status);
    copy_struct_out(impl, &t.result, sizeof t.result);
    parseal_error_restore(&before);
    return PARSEAL_OK;
}
