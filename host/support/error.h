/* Failures of functions: a status, and one line of text for parseal_last_error_text. */
#ifndef PARSEAL_HOST_SUPPORT_ERROR_H
#define PARSEAL_HOST_SUPPORT_ERROR_H

#include "parseal/parseal.h"

#if defined(__GNUC__)
#define PARSEAL_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define PARSEAL_PRINTF
#endif

/* Stores one formatted line for parseal_last_error_text and returns status. */
parseal_status parseal_fail(parseal_status status, const char *format, ...) PARSEAL_PRINTF;

#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: this tells it that a failure is never PARSEAL_OK.
 * NOLINTNEXTLINE(readability-identifier-naming): it stands for the function. */
#define parseal_fail(status, ...) ((void)parseal_fail(status, __VA_ARGS__), (status))
#endif

/* Returns what parseal_fail returned last on this thread. */
parseal_status parseal_last_status(void);

/* Returns from the calling function when `expression` is not PARSEAL_OK. */
#define TRY(expression)                                 \
    do {                                                \
        const parseal_status try_status = (expression); \
        if (try_status != PARSEAL_OK)                   \
            return try_status;                          \
    } while (0)

/* The last error, put aside: an attempt that may fail must not replace the text of an error that
 * the caller has yet to read. */
typedef struct {
    parseal_status status;
    char text[512];
} parseal_error;

parseal_error parseal_error_save(void);
void parseal_error_restore(const parseal_error *error);

/* Around a call in which something may fail that it then does in another way, as with less memory:
 * where `status` is PARSEAL_OK the last error is again what it was at the begin. Such calls may be
 * nested, and each that has begun must end on the same thread. */
void parseal_error_begin(void);
void parseal_error_end(parseal_status status);

#endif
