#include "host/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/cli/fd.h"
#include "host/cli/printable.h"

static void format_line(char *text, size_t size, const char *format, va_list args)
{
    if (vsnprintf(text, size, format, args) < 0)
        text[0] = '\0';
    printable_line(text);
}

int cli_fail(cli_failure *failure, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_line(failure->text, sizeof failure->text, format, args);
    va_end(args);
    failure->code = code;
    return code;
}

int cli_fail_library(cli_failure *failure, const char *doing, parseal_status status)
{
    return cli_fail(failure, CLI_FAILED, "%s: %s (%s)", doing, parseal_last_error_text(),
                    parseal_status_name(status));
}

/* Writes whole lines in one call, as others may write to the same terminal. */
static void complain(const char *kind, const char *text)
{
    char line[1100];
    int length = snprintf(line, sizeof line, "parseal: %s%s\n", kind, text);
    if (length > 0 && (size_t)length < sizeof line)
        fd_write_all(STDERR_FILENO, line, (size_t)length);
}

void cli_complain(const cli_failure *failure)
{
    complain("", failure->text);
}

void cli_note(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    format_line(text, sizeof text, format, args);
    va_end(args);
    complain("note: ", text);
}

/* True when some text has not reached standard output. */
static bool print_failed;

static char *format_all(const char *format, va_list args)
{
    va_list copy;
    va_copy(copy, args);
    int length = vsnprintf(NULL, 0, format, copy);
    va_end(copy);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

static void print(const char *text)
{
    if (!fd_write_all(STDOUT_FILENO, text, strlen(text)))
        print_failed = true;
}

/* Only line breaks at the ends of the format are kept: one in a name would forge a line. */
void cli_print(const char *format, ...)
{
    const size_t format_length = strlen(format);
    va_list args;
    va_start(args, format);
    char *text = format_all(format, args);
    va_end(args);
    if (text == NULL) {
        print_failed = true;
        return;
    }
    char *line = format[0] == '\n' ? text + 1 : text;
    size_t length = strlen(line);
    const bool ends = length > 0 && format[format_length - 1] == '\n';
    if (ends)
        line[length - 1] = '\0';
    printable_line(line);
    if (ends) {
        length = strlen(line); /* The line may have become shorter. */
        line[length] = '\n';
        line[length + 1] = '\0';
    }
    print(text);
    free(text);
}

void cli_print_text(const char *text)
{
    print(text);
}

bool cli_printed(void)
{
    return !print_failed;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
