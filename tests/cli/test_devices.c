/* `parseal devices` on a terminal says what it is doing, as compiling kernels may take long, and
 * leaves nothing of that behind. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "started.h"

static int terminal; /* the end that the command writes to */

static void take_terminal(void)
{
    if (dup2(terminal, STDERR_FILENO) < 0)
        _exit(126);
}

/* Reads until the other end is closed, which Linux calls an error. */
static size_t read_all(int fd, char *text, size_t size)
{
    size_t n = 0;
    ssize_t got;
    while (n < size - 1 && (got = read(fd, text + n, size - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    return n;
}

static void on_a_terminal(void **state)
{
    (void)state;
    static char said[1 << 16];
    static const char *const parts[] = {"looking for devices", "testing 1 of ",
                                        "OpenCL compiles its kernels", "choosing; "};
    static const char cleared[] = "\r\033[K";
    const int master = posix_openpt(O_RDWR | O_NOCTTY), nowhere = open("/dev/null", O_WRONLY);
    assert_true(master >= 0 && nowhere >= 0);
    assert_int_equal(fcntl(master, F_SETFD, FD_CLOEXEC), 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    started s = started_begin(false, "devices", nowhere, take_terminal);
    close(terminal);
    close(nowhere);
    const size_t n = read_all(master, said, sizeof said);
    close(master);
    const int status = started_end(&s);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(said, parts[i]) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", parts[i], said);
    assert_true(n >= strlen(cleared));
    assert_string_equal(said + n - strlen(cleared), cleared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_a_terminal)};
    return cmocka_run_group_tests_name("devices on a terminal", tests, folder_create,
                                       folder_remove);
}
