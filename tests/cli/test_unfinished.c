/* What is left of a file that `parseal open` was writing when it was ended, and what the next run
 * makes of it. S is sealed under the key K, its plaintext is BIG; ./OUT is written. $PARSEAL has
 * files without a name where the test's folder has them; $NAMED has none (seam_unnamed.c), so that
 * ./OUT.parseal-HASH-0 is there as long as it works. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "folder.h"
#include "started.h"

/* `parseal` reads 16 MiB before it writes what is in them. */
enum { BIG = 24 << 20, WRITTEN = (16 << 20) + STARTED_STEP };

static uint8_t *sealed;
static size_t sealed_size, files;

/* The script ends with this status and prints `out`. */
static void expect(const char *script, int code, const char *out)
{
    command_result result = command_shell(script, folder_path("."));
    if (result.code != code || strcmp(result.out, out) != 0)
        print_error("%s\nexit %d (not %d)\nstdout: %s\nstderr: %s\n", script, result.code, code,
                    result.out, result.err);
    assert_int_equal(result.code, code);
    assert_string_equal(result.out, out);
    command_free(&result);
}

static int set_up(void **state)
{
    static uint8_t key[32] = {7};
    uint8_t *plain = calloc(1, BIG);
    if (folder_create(state) != 0 || plain == NULL)
        return -1;
    for (size_t i = 0; i < BIG; i += 997)
        plain[i] = (uint8_t)(i >> 9);
    chmod(folder_write("K", key, sizeof key), 0600);
    folder_write("BIG", plain, BIG);
    free(plain);
    expect("$PARSEAL seal --key-file K BIG -o S", 0, "");
    FILE *file = fopen(folder_path("S"), "rb");
    sealed = malloc(BIG + BIG / 16);
    if (file == NULL || sealed == NULL)
        return -1;
    sealed_size = fread(sealed, 1, BIG + BIG / 16, file);
    fclose(file);
    files = folder_count();
    return sealed_size > BIG ? 0 : -1;
}

static int tear_down(void **state)
{
    free(sealed);
    return folder_remove(state);
}

/* A runtime that looks for errors catches what ends a program by mistake, and ends it otherwise. */
static void leave_signals(void)
{
    static const char *const variables[] = {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        setenv(variables[i],
               "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:"
               "handle_sigtrap=0",
               1);
}

static started begin(bool named, size_t size)
{
    started s = started_begin(named, "open --key-file K - -o OUT", -1, leave_signals);
    started_feed(&s, sealed, size);
    return s;
}

/* The only file whose name begins so, in a text that the next call overwrites; "" where there is
 * none. */
static const char *only_file(const char *begin_of_name)
{
    static char name[300];
    DIR *dir = opendir(folder_path("."));
    assert_non_null(dir);
    name[0] = '\0';
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, begin_of_name, strlen(begin_of_name)) != 0)
            continue;
        assert_string_equal(name, "");
        snprintf(name, sizeof name, "%s", entry->d_name);
    }
    closedir(dir);
    return name;
}

static off_t size_of(const char *name)
{
    struct stat status;
    assert_int_equal(stat(folder_path(name), &status), 0);
    return status.st_size;
}

static void assert_ended_by(started *s, int number)
{
    kill(s->pid, number);
    int status = started_end(s);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != number)
        print_error("signal %d: waitpid says %d\n", number, status);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number);
#if defined(WCOREDUMP)
    assert_false(WCOREDUMP(status));
#endif
}

/* Cores may be as large as the system lets them be: none is dumped all the same. */
static void allow_cores(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_CORE, &limit);
    }
}

/* Every signal that ends a process and can be caught. */
static void signals_leave_nothing(void **state)
{
    const int numbers[] = {
        SIGHUP,
        SIGINT,
        SIGQUIT,
        SIGPIPE,
        SIGALRM,
        SIGTERM,
        SIGUSR1,
        SIGUSR2,
        SIGXCPU,
        SIGXFSZ,
        SIGPROF,
        SIGSYS,
        SIGVTALRM,
        SIGTRAP,
        SIGABRT,
        SIGBUS,
        SIGSEGV,
        SIGFPE,
        SIGILL,
#if defined(SIGPOLL)
        SIGPOLL,
#endif
#if defined(SIGRTMAX)
        SIGRTMIN,
        SIGRTMAX,
#endif
    };
    (void)state;
    allow_cores();
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        started s = begin(true, STARTED_STEP);
        assert_int_equal(folder_count(), files + 1);
        assert_ended_by(&s, numbers[i]);
        assert_int_equal(folder_count(), files);
    }
}

/* With a plaintext in it, and without a name from the beginning where that can be. */
static void nothing_of_the_plaintext(void **state)
{
    static const int numbers[] = {SIGTERM, SIGQUIT, SIGXFSZ};
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        started s = begin(true, WRITTEN);
        assert_true(size_of(only_file("OUT.parseal-")) >= 14 << 20);
        assert_ended_by(&s, numbers[i]);
        s = begin(false, WRITTEN);
        assert_ended_by(&s, numbers[i]);
        assert_int_equal(folder_count(), files);
    }
}

static void a_signal_that_is_ignored(void **state)
{
    (void)state;
    expect("trap '' XFSZ; ulimit -f 8; for c in \"$PARSEAL\" \"$NAMED\"; do "
           "$c open --key-file K S -o OUT; echo $?; done; ls OUT* 2>/dev/null",
           2, "1\n1\n");
    expect("ulimit -f 8; for c in \"$PARSEAL\" \"$NAMED\"; do "
           "(exec $c open --key-file K S -o OUT) 2>/dev/null; kill -l $?; done; "
           "ls OUT* 2>/dev/null",
           2, "XFSZ\nXFSZ\n");
    assert_int_equal(folder_count(), files);
}

/* Under which name it stands: BLAKE2b as Python's hashlib has it; no character is cut. */
static void the_name_beside(void **state)
{
    static const char euro[] = "\xe2\x82\xac";
    char name[103] = "", cut[100] = "", expected[200], args[200];
    (void)state;
    started s = begin(true, STARTED_STEP);
    assert_string_equal(only_file("OUT"), "OUT.parseal-5c98d0bf2d5602f1-0");
    assert_ended_by(&s, SIGTERM);
    for (size_t i = 0; i < 34; i++)
        memcpy(name + 3 * i, euro, sizeof euro);
    memcpy(cut, name, 99);
    snprintf(args, sizeof args, "open --key-file K - -o %s", name);
    snprintf(expected, sizeof expected, "%s.parseal-df7596cc866bbcf3-0", cut);
    s = started_begin(true, args, -1, NULL);
    started_feed(&s, sealed, STARTED_STEP);
    assert_string_equal(only_file(euro), expected);
    assert_ended_by(&s, SIGTERM);
    assert_int_equal(folder_count(), files);
}

/* Whether the folder's file system has files without a name: then SIGKILL leaves nothing. */
static bool has_unnamed(void)
{
    started s = begin(false, WRITTEN);
    const size_t during = folder_count();
    assert_ended_by(&s, SIGKILL);
    assert_int_equal(folder_count(), during);
    expect("rm -f OUT.parseal-*", 0, "");
    return during == files;
}

static void killed_without_a_name(void **state)
{
    (void)state;
    if (!has_unnamed())
        skip();
    assert_int_equal(folder_count(), files);
    expect("echo old >OUT", 0, "");
    started s = begin(false, WRITTEN);
    assert_ended_by(&s, SIGKILL);
    expect("cat OUT; ls OUT*; rm OUT", 0, "old\nOUT\n");
}

/* Between link and rename: what is left is removed by the next run, whether it succeeds or not. */
static void killed_between_link_and_rename(void **state)
{
    static const char kill_it[] = "echo old >OUT; PARSEAL_TEST_UNNAMED=killed $NAMED open "
                                  "--key-file K S -o OUT 2>/dev/null; kill -l $?; cat OUT; "
                                  "cmp BIG OUT.parseal-*-0 && ls OUT.parseal-* | wc -l";
    (void)state;
    if (!has_unnamed())
        skip();
    expect(kill_it, 0, "KILL\nold\n1\n");
    expect("$PARSEAL open --key-file K S -o OUT && cmp BIG OUT && ls OUT*", 0, "OUT\n");
    expect(kill_it, 0, "KILL\nold\n1\n");
    expect("$PARSEAL open --key-file K BIG -o OUT; echo $?; cat OUT; ls OUT*; rm OUT", 0,
           "3\nold\nOUT\n");
}

static void killed_with_a_name(void **state)
{
    (void)state;
    for (int next = 0; next < 2; next++) {
        started s = begin(true, WRITTEN);
        assert_ended_by(&s, SIGKILL);
        assert_int_equal(folder_count(), files + 1);
        assert_true(size_of(only_file("OUT")) >= 14 << 20);
        /* Another name's run leaves it. */
        expect("$PARSEAL open --key-file K S -o OUT2 && $NAMED open --key-file K S -o OUT2 && "
               "rm OUT2 && ls OUT* | wc -l",
               0, "1\n");
        expect(next == 0 ? "$PARSEAL open --key-file K S -o OUT && cmp BIG OUT && ls OUT*; rm OUT"
                         : "$NAMED open --key-file K S -o OUT && cmp BIG OUT && ls OUT*; rm OUT",
               0, "OUT\n");
        assert_int_equal(folder_count(), files);
    }
}

/* The file of a run that is still at work stays, and both end well. */
static void two_runs_for_one_name(void **state)
{
    (void)state;
    started first = begin(true, WRITTEN), second = begin(true, WRITTEN);
    assert_int_equal(folder_count(), files + 2);
    expect("$PARSEAL open --key-file K S -o OUT && $NAMED open --key-file K S -o OUT && "
           "cmp BIG OUT && ls OUT.parseal-* | wc -l",
           0, "2\n");
    started_feed(&first, sealed + WRITTEN, sealed_size - WRITTEN);
    assert_int_equal(started_end(&first), 0);
    expect("cmp BIG OUT && ls OUT.parseal-* | wc -l", 0, "1\n");
    /* What the second has left is removed, though it has not the first place. */
    assert_ended_by(&second, SIGKILL);
    expect("$PARSEAL open --key-file K S -o OUT && ls OUT* && rm OUT", 0, "OUT\n");
    assert_int_equal(folder_count(), files);
}

/* A lock does not tell whose a file is that no run has made; it stays, and the work goes on. */
static void files_of_others(void **state)
{
    static const char *const makes[] = {"mkdir %s", "ln -s NOTHING %s", "ln K %s", "mkfifo %s"};
    char name[300], script[900];
    (void)state;
    started s = begin(true, STARTED_STEP);
    snprintf(name, sizeof name, "%s", only_file("OUT.parseal-"));
    assert_ended_by(&s, SIGTERM);
    for (size_t i = 0; i < sizeof makes / sizeof makes[0]; i++) {
        snprintf(script, sizeof script, makes[i], name);
        expect(script, 0, "");
        snprintf(script, sizeof script,
                 "for c in \"$PARSEAL\" \"$NAMED\"; do $c open --key-file K S -o OUT; "
                 "cmp BIG OUT; done; ls -d OUT* | wc -l; rm OUT; rm -rf %s",
                 name);
        expect(script, 0, "2\n");
    }
    /* All places taken: an error at once, and all is as it was. */
    name[strlen(name) - 1] = '\0';
    snprintf(script, sizeof script,
             "for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do mkdir %s$n; done; "
             "$NAMED open --key-file K S -o OUT 2>ERR; echo $?; cut -d: -f1-2 ERR; rmdir %s*; "
             "rm ERR; ls OUT* 2>/dev/null",
             name, name);
    expect(script, 2, "1\nparseal: OUT\n");
    assert_int_equal(folder_count(), files);
}

/* Where files without a name can be made and not be named, the work is not lost. */
static void copied_where_it_cannot_be_named(void **state)
{
    (void)state;
    expect("umask 022; export PARSEAL_TEST_UNNAMED=nameless; "
           "$NAMED open --key-file K S -o OUT && cmp BIG OUT && stat -c %a OUT && "
           "$NAMED open --key-file K S -o OUT && cmp BIG OUT && chmod 644 BIG && "
           "$NAMED seal --key-file K BIG -o OUT && stat -c %a OUT && "
           "$PARSEAL open --key-file K OUT -o OUT && cmp BIG OUT && ls OUT* && rm OUT",
           0, "600\n644\nOUT\n");
    assert_int_equal(folder_count(), files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_leave_nothing),
        cmocka_unit_test(nothing_of_the_plaintext),
        cmocka_unit_test(a_signal_that_is_ignored),
        cmocka_unit_test(the_name_beside),
        cmocka_unit_test(killed_without_a_name),
        cmocka_unit_test(killed_between_link_and_rename),
        cmocka_unit_test(killed_with_a_name),
        cmocka_unit_test(two_runs_for_one_name),
        cmocka_unit_test(files_of_others),
        cmocka_unit_test(copied_where_it_cannot_be_named),
    };
    signal(SIGPIPE, SIG_IGN); /* a command that ends too early is an assertion's matter */
    setenv("PARSEAL_BACKEND", "cpu", 1);
    setenv("PARSEAL_THREADS", "1", 1);
    return cmocka_run_group_tests_name("unfinished", tests, set_up, tear_down);
}
