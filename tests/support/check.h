/* Assertions that the suites share. All of them fail the running cmocka test. */
#ifndef PARSEAL_TESTS_CHECK_H
#define PARSEAL_TESTS_CHECK_H

#include "test.h"

void check_status(parseal_status got, parseal_status want, const char *call, const char *file,
                  int line);
void check_error(parseal_status got, parseal_status want, const char *name, const char *call,
                 const char *file, int line);
void check_bytes(const void *got, const void *want, size_t n, const char *what, const char *file,
                 int line);
void check_filled(const void *p, size_t n, uint8_t byte, const char *what, const char *file,
                  int line);

/* Makes the thread's last error one that no test looks for, so that assert_error cannot be
 * satisfied by an older text. Whether it still is: calls that succeed leave it. */
void error_text_spoil(void);
bool error_text_is_spoilt(void);

#define assert_ok(call)           check_status((call), PARSEAL_OK, #call, __FILE__, __LINE__)
#define assert_status(call, want) check_status((call), (want), #call, __FILE__, __LINE__)

/* The call must succeed, and leave the error text of an earlier one. */
#define assert_ok_silently(call)                                            \
    do {                                                                    \
        error_text_spoil();                                                 \
        assert_ok(call);                                                    \
        if (!error_text_is_spoilt())                                        \
            fail_msg("%s leaves \"%s\"", #call, parseal_last_error_text()); \
    } while (0)

/* The call must fail with `want`, and the error text must have `name`, which is the argument's, as
 * a whole word. */
#define assert_error(call, want, name)                                  \
    do {                                                                \
        error_text_spoil();                                             \
        check_error((call), (want), (name), #call, __FILE__, __LINE__); \
    } while (0)

/* n may be 0; then the pointers are not looked at. */
#define assert_bytes(got, want, n) check_bytes((got), (want), (n), #got, __FILE__, __LINE__)

/* Each of the n bytes at p must be `byte`. */
#define assert_filled(p, n, byte) check_filled((p), (n), (byte), #p, __FILE__, __LINE__)

/* Outputs are filled with this before a call that must leave them alone. */
#define UNTOUCHED 0xa5

#endif
