#include "host/support/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "host/backend/backend.h"

static _Thread_local parseal_error last_error;

parseal_status parseal_fail(parseal_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error.text, sizeof last_error.text, format, args);
    va_end(args);
    return status;
}

const char *parseal_last_error_text(void)
{
    return last_error.text;
}

parseal_error parseal_error_save(void)
{
    return last_error;
}

void parseal_error_restore(const parseal_error *error)
{
    last_error = *error;
}

const char *parseal_status_name(parseal_status status)
{
    switch (status) {
#define NAME(enumerator) \
    case enumerator:     \
        return #enumerator;
        NAME(PARSEAL_OK)
        NAME(PARSEAL_ERR_ARG)
        NAME(PARSEAL_ERR_SIZE)
        NAME(PARSEAL_ERR_ALIAS)
        NAME(PARSEAL_ERR_AUTH)
        NAME(PARSEAL_ERR_OVERFLOW)
        NAME(PARSEAL_ERR_NO_MEMORY)
        NAME(PARSEAL_ERR_NO_DEVICE)
        NAME(PARSEAL_ERR_SELFTEST)
        NAME(PARSEAL_ERR_UNSUPPORTED)
        NAME(PARSEAL_ERR_DEVICE)
        NAME(PARSEAL_ERR_FORMAT)
#undef NAME
    default:
        return "unknown parseal_status";
    }
}

#define TEXT(x)                      #x
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *parseal_version(void)
{
    return VERSION(PARSEAL_VERSION_MAJOR, PARSEAL_VERSION_MINOR, PARSEAL_VERSION_PATCH);
}
