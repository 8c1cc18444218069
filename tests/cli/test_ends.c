/* Where the command meets its surroundings: standard streams, pipes, names, the environment. K is a
 * key, FILE a file of some bytes. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "folder.h"
#include "host/cli/fd.h"
#include "started.h"

enum { LEN = 3 << 20 };

static const char key_text[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static uint8_t *plain;

static int set_up(void **state)
{
    uint8_t key[32];
    plain = malloc(LEN);
    if (folder_create(state) != 0 || plain == NULL)
        return -1;
    for (size_t i = 0; i < LEN; i++)
        plain[i] = (uint8_t)(i * 13 + i / 251);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    chmod(folder_write("K", key, sizeof key), 0600);
    folder_write("FILE", plain, LEN);
    return 0;
}

static int tear_down(void **state)
{
    free(plain);
    return folder_remove(state);
}

/* The script ends with this status; its stdout is `out`, its stderr holds text. */
static void expect(const char *script, int code, const char *out, const char *text)
{
    command_result result = command_shell(script, folder_path("."));
    if (result.code != code || strcmp(result.out, out) != 0 || strstr(result.err, text) == NULL)
        print_error("%s\nexit %d (not %d)\nstdout: %s\nstderr: %s\n", script, result.code, code,
                    result.out, result.err);
    assert_int_equal(result.code, code);
    assert_string_equal(result.out, out);
    assert_non_null(strstr(result.err, text));
    command_free(&result);
}

/* ------------------------------------------------------------------------- standard streams -- */

static void closed_streams(void **state)
{
    static const struct {
        const char *args;
        int code;
        const char *text;
    } cases[] = {
        {"seal --key-file K FILE -o - >&-", 2, "-o: standard output is closed"},
        {"seal --key-file K FILE -o - 1<FILE", 2, "-o: standard output is closed, or not open for"},
        {"open --key-file K S -o - >&-", 2, "-o: standard output is closed"},
        {"seal --key-file K FILE -o /dev/stdout >&-", 2, "-o /dev/stdout: is a directory"},
        {"seal --key-file K - -o OUT <&-", 2, "standard input: is closed, or not open for"},
        {"seal --key-file K - -o OUT 0>NEW", 2, "standard input: is closed, or not open for"},
        {"seal --key-file K /dev/stdin -o OUT <&-", 2, "/dev/stdin: is a directory"},
        {"seal --key-fd 0 FILE -o OUT <&-", 2, "--key-fd 0: Bad file descriptor"},
        {"seal --key-fd 1 FILE -o OUT >&-", 2, "--key-fd 1: Bad file descriptor"},
        {"round --dim 10 >&-", 2, "report: standard output is closed"},
        {"round --dim 10 --json - >&-", 2, "standard output is closed"},
        {"devices >&-", 1, "standard output cannot be written"},
        {"--help >&-", 1, "standard output cannot be written"},
        {"seal --help >&-", 1, "standard output cannot be written"},
        {"--version >&-", 1, "standard output cannot be written"},
    };
    char script[300];
    (void)state;
    expect("$PARSEAL seal --key-file K FILE -o S", 0, "", "");
    const size_t files = folder_count();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(script, sizeof script, "$PARSEAL %s", cases[i].args);
        expect(script, cases[i].code, "", cases[i].text);
        expect("rm -f NEW", 0, "", "");
        assert_int_equal(folder_count(), files);
    }
}

/* Where no stream is needed the work goes on, and what is written to none lands in no file. */
static void no_file_becomes_a_stream(void **state)
{
    (void)state;
    expect("for ends in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do "
           "eval \"$PARSEAL seal --key-file K FILE -o OUT $ends\" || echo failed; "
           "eval \"$PARSEAL open --key-file K OUT -o BACK $ends\" || echo failed; "
           "cmp FILE BACK; rm OUT BACK; done",
           0, "", "");
    /* A note and an error have nowhere to go. */
    expect("cp K L; chmod 644 L; $PARSEAL seal --key-file L FILE -o OUT <&- >&- 2>&-; echo $?; "
           "$PARSEAL open --key-file K OUT -o - | cmp FILE -; cmp K L; rm L OUT; "
           "$PARSEAL seal --key-file NONE FILE -o OUT <&- >&- 2>&-; echo $?; ls OUT* 2>/dev/null",
           2, "0\n2\n", "");
}

/* ------------------------------------------------------------------------------------ pipes -- */

static void set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    assert_true(flags >= 0);
    assert_int_not_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), -1);
}

/* Reads a pipe to its end, which begins only when nothing more goes into it: by then the command
 * has been refused a write. */
static uint8_t *drain(int ends[2], size_t size, size_t *length)
{
    uint8_t *bytes = malloc(size);
    struct pollfd in = {ends[1], POLLOUT, 0};
    assert_non_null(bytes);
    while (poll(&in, 1, 0) != 0)
        poll(NULL, 0, 1);
    close(ends[1]);
    ssize_t n = fd_read_all(ends[0], bytes, size);
    assert_true(n >= 0);
    close(ends[0]);
    *length = (size_t)n;
    return bytes;
}

static void output_into_a_nonblocking_pipe(void **state)
{
    int ends[2];
    size_t length = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    set_nonblocking(ends[1]);
    started s = started_begin(false, "seal --key-file K FILE -o -", ends[1], NULL);
    uint8_t *bytes = drain(ends, LEN + (1 << 20), &length);
    assert_int_equal(started_end(&s), 0);
    folder_write("S", bytes, length);
    free(bytes);
    expect("$PARSEAL open --key-file K S -o - | cmp FILE -; rm S", 0, "", "");
}

/* Until the process waits for something, or is a zombie; where nobody says so, at once. */
static void let_it_wait(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    for (int waits = 0; waits < 3;) {
        int fd = open(path, O_RDONLY);
        ssize_t size = fd >= 0 ? fd_read_all(fd, text, sizeof text - 1) : 0;
        if (fd < 0 || size <= 0)
            return;
        close(fd);
        text[size] = '\0';
        const char *name_end = strrchr(text, ')');
        assert_non_null(name_end);
        waits = name_end[2] == 'S' || name_end[2] == 'Z' ? waits + 1 : 0;
        poll(NULL, 0, 5);
    }
}

/* The pipe is full when the command begins to print. */
static void report_into_a_nonblocking_pipe(void **state)
{
    static const uint8_t filling[4096];
    command_result help = command_run("round --help");
    int ends[2];
    size_t full = 0, length = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    set_nonblocking(ends[1]);
    for (ssize_t n; (n = write(ends[1], filling, sizeof filling)) > 0;)
        full += (size_t)n;
    for (ssize_t n; (n = write(ends[1], filling, 1)) > 0;)
        full += (size_t)n;
    started s = started_begin(false, "round --help", ends[1], NULL);
    let_it_wait(s.pid);
    uint8_t *bytes = drain(ends, full + 65536, &length);
    assert_int_equal(started_end(&s), 0);
    assert_int_equal(length, full + strlen(help.out));
    assert_memory_equal(bytes + full, help.out, strlen(help.out));
    free(bytes);
    command_free(&help);
}

static void input_is_nonblocking(void)
{
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    if (flags < 0 || fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) < 0)
        _exit(126);
}

/* The command finds the pipe empty after the first byte. */
static void input_from_a_nonblocking_pipe(void **state)
{
    (void)state;
    started s = started_begin(false, "seal --key-file K - -o OUT", -1, input_is_nonblocking);
    started_feed(&s, plain, 1);
    let_it_wait(s.pid);
    started_feed(&s, plain + 1, LEN - 1);
    assert_int_equal(started_end(&s), 0);
    expect("$PARSEAL open --key-file K OUT -o - | cmp FILE -; rm OUT", 0, "", "");

    s = started_begin(false, "seal --key-fd 0 FILE -o OUT", -1, input_is_nonblocking);
    started_feed(&s, key_text, 1);
    let_it_wait(s.pid);
    started_feed(&s, key_text + 1, strlen(key_text) - 1);
    assert_int_equal(started_end(&s), 0);
    expect("$PARSEAL open --key-file K OUT -o - | cmp FILE -; rm OUT", 0, "", "");
}

/* ------------------------------------------------------------------------------------ names -- */

static void an_empty_name(void **state)
{
    (void)state;
    /* Nobody writes to IN: to open it would be to wait for ever. */
    expect("mkfifo IN; $PARSEAL seal --key-file K IN -o ''; s=$?; rm IN; exit $s", 2, "",
           "parseal: -o: the file's name is empty\n");
    expect("$PARSEAL open --key-file K NONE --output=", 2, "", "-o: the file's name is empty\n");
    expect("$PARSEAL round --dim 10 --json ''", 2, "", "--json: the file's name is empty\n");
}

/* Also in UTF-8, whose characters the name of a file that is under way must not cut. */
static void long_names(void **state)
{
    static const struct {
        size_t length;
        const char *fill;
    } cases[] = {{100, "a"},
                 {101, "a"},
                 {248, "a"},
                 {249, "a"},
                 {250, "a"},
                 {251, "a"},
                 {252, "a"},
                 {253, "a"},
                 {254, "a"},
                 {255, "a"},
                 {252, "\xe2\x82\xac"},
                 {255, "\xe2\x82\xac"}};
    char name[260], script[1300];
    const size_t files = folder_count();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const size_t unit = strlen(cases[i].fill);
        for (size_t at = 0; at < cases[i].length; at += unit)
            memcpy(name + at, cases[i].fill, unit);
        name[cases[i].length] = '\0';
        snprintf(script, sizeof script,
                 "for c in \"$PARSEAL\" \"$NAMED\"; do $c seal --key-file K K -o %s && "
                 "$c seal --key-file K K -o %s; $c open --key-file K %s -o - | cmp K -; rm %s; "
                 "done",
                 name, name, name, name);
        expect(script, 0, "", "");
        assert_int_equal(folder_count(), files);
    }
    memset(name, 'a', 256);
    name[256] = '\0';
    snprintf(script, sizeof script, "$PARSEAL seal --key-file K K -o %.256s", name);
    expect(script, 2, "", "File name too long");
    assert_int_equal(folder_count(), files);
}

/* The text has this in it, and nothing that a terminal would obey. */
static void assert_shown(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        print_error("not shown: %s\nin: %s\n", part, text);
    assert_non_null(strstr(text, part));
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        assert_true(*c >= 0x20 || *c == '\n');
        assert_int_not_equal(*c, 0x7f);
        if (c[0] == 0xc2)
            assert_false(c[1] >= 0x80 && c[1] <= 0x9f);
    }
}

static void run_shown(const char *script, const char *in_out, const char *in_err)
{
    command_result result = command_shell(script, folder_path("."));
    assert_shown(result.out, in_out);
    assert_shown(result.err, in_err);
    command_free(&result);
}

/* U+009B is CSI, with which a terminal's escape sequences begin. */
static void control_characters(void **state)
{
    static const char header[] = "{\"\xc2\x9b"
                                 "31mX\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                                 "\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}";
    static const char bad[] = "{\"\\u009b\\u001b[31mX\":{\"dtype\":\"I65\",\"shape\":[1],"
                              "\"data_offsets\":[0,8]}}";
    static const uint8_t data[16];
    (void)state;
    folder_write_safetensors("t.safetensors", header, data, sizeof data);
    folder_write_safetensors("bad.safetensors", bad, data, 8);
    run_shown("$PARSEAL round --clients 3 --params t.safetensors", "exact: ", "'?31mX'");
    run_shown("$PARSEAL round --clients 3 --params bad.safetensors", "", "tensor '??[31mX'");
    /* The same in the names of files, in the text and in JSON. */
    run_shown("n=$(printf 'a\\302\\233b\\033c\\177d\\ne.safetensors'); mv t.safetensors \"$n\"; "
              "$PARSEAL round --clients 3 --params \"$n\"; $PARSEAL round --clients 3 "
              "--params \"$n\" --json -; rm \"$n\" bad.safetensors",
              "from a?b?c?d?e.safetensors", "a?b?c?d?e.safetensors: tensor '?31mX' is left out");
    run_shown("printf '\\000\\000\\200\\077' >x.f32; n=$(printf 'a\\302\\233b\\033c\\177d.f32'); "
              "mv x.f32 \"$n\"; $PARSEAL round --clients 3 --params \"$n\" --json -; rm \"$n\"",
              "\"a\\u009Bb\\u001Bc\\u007Fd.f32\"", "");
    run_shown("$PARSEAL open --key-file K \"$(printf 'no\\302\\233\\233ne')\" -o OUT", "",
              "no??ne: No such file");
    run_shown("$PARSEAL \"$(printf '\\302\\233')\"", "", "'?' is not a command");
    run_shown("$PARSEAL seal --\"$(printf '\\302\\233')\"", "", "unknown option '--?'");
    run_shown("PARSEAL_BACKEND=$(printf '\\302\\233') $PARSEAL seal --key-file K FILE -o OUT", "",
              "PARSEAL_BACKEND: \"?\"");
}

/* ------------------------------------------------------------------------------ environment -- */

static void with_key_variable(void)
{
    if (setenv("PARSEAL_TEST_KEY", key_text, 1) != 0)
        _exit(126);
}

/* While it works, the key is in no environment that somebody could read. */
static void key_variable_goes(void **state)
{
    static char block[1 << 20];
    char path[64];
    (void)state;
    started s =
        started_begin(false, "seal --key-env PARSEAL_TEST_KEY - -o OUT", -1, with_key_variable);
    for (size_t at = 0; at < STARTED_STEP; at += LEN / 3)
        started_feed(&s, plain, LEN / 3);
    snprintf(path, sizeof path, "/proc/%ld/environ", (long)s.pid);
    int fd = open(path, O_RDONLY);
    ssize_t size = fd >= 0 ? fd_read_all(fd, block, sizeof block - 1) : 0;
    if (fd >= 0)
        close(fd);
    assert_true(size >= 0);
    for (ssize_t i = 0; i < size; i++)
        if (block[i] == '\0')
            block[i] = '\n';
    block[size] = '\0';
    assert_null(strstr(block, key_text));
    assert_null(strstr(block, "00010203"));
    assert_int_equal(started_end(&s), 0);
    expect("$PARSEAL open --key-file K OUT -o - | wc -c; rm OUT", 0, "4194304\n", "");
    expect("A=x $PARSEAL rekey --key-env A --new-key-env A FILE -o OUT", 2, "", "both are A");
}

static void any_backend(void **state)
{
    (void)state;
    expect("PARSEAL_BACKEND=auto $PARSEAL seal --key-file K FILE -o OUT && "
           "PARSEAL_BACKEND=auto $PARSEAL open --backend cpu --key-file K OUT -o - | cmp FILE -; "
           "rm OUT",
           0, "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_streams),
        cmocka_unit_test(no_file_becomes_a_stream),
        cmocka_unit_test(output_into_a_nonblocking_pipe),
        cmocka_unit_test(report_into_a_nonblocking_pipe),
        cmocka_unit_test(input_from_a_nonblocking_pipe),
        cmocka_unit_test(an_empty_name),
        cmocka_unit_test(long_names),
        cmocka_unit_test(control_characters),
        cmocka_unit_test(key_variable_goes),
        cmocka_unit_test(any_backend),
    };
    signal(SIGPIPE, SIG_IGN); /* a command that ends too early is an assertion's matter */
    setenv("PARSEAL_BACKEND", "cpu", 1);
    setenv("PARSEAL_THREADS", "1", 1);
    return cmocka_run_group_tests_name("ends", tests, set_up, tear_down);
}
