#include "host/support/error.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local parseal_error last_error;

/* Between parseal_error_begin and _end: the error at the outermost begin, and how many begun. */
static _Thread_local parseal_error before;
static _Thread_local unsigned begun;

/* In parentheses, as error.h has a macro of that name for the analyzer. */
parseal_status(parseal_fail)(parseal_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(last_error.text, sizeof last_error.text, format, args);
    va_end(args);
    last_error.status = status;
    return status;
}

const char *parseal_last_error_text(void)
{
    return last_error.text;
}

parseal_status parseal_last_status(void)
{
    return last_error.status;
}

parseal_error parseal_error_save(void)
{
    return last_error;
}

void parseal_error_restore(const parseal_error *error)
{
    last_error = *error;
}

void parseal_error_begin(void)
{
    if (begun++ == 0)
        before = last_error;
}

void parseal_error_end(parseal_status status)
{
    if (--begun == 0 && status == PARSEAL_OK)
        last_error = before;
}
