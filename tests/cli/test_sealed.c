/* parseal seal, open and rekey as their users see them: in scripts, each in the folder of the test.
 * K and L are keys, FILE a file of a few segments of 4 KiB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "command.h"
#include "folder.h"
#include "parseal/sealed.h"

enum { LEN = 20000, SEALED = 20120 };

static uint8_t plain[LEN], keys[2][32];

static int set_up(void **state)
{
    if (folder_create(state) != 0)
        return -1;
    for (size_t i = 0; i < LEN; i++)
        plain[i] = (uint8_t)(i * 13 + i / 251);
    for (size_t i = 0; i < 32; i++) {
        keys[0][i] = (uint8_t)(i + 1);
        keys[1][i] = (uint8_t)(0xf0 - i);
    }
    chmod(folder_write("K", keys[0], 32), 0600);
    chmod(folder_write("L", keys[1], 32), 0600);
    chmod(folder_write("FILE", plain, LEN), 0644);
    return 0;
}

/* The script ends with this status; its stderr holds text, its stdout is `out`. */
static void expect(const char *script, int code, const char *out, const char *text)
{
    command_result result = command_shell(script, folder_path("."));
    if (result.code != code || strcmp(result.out, out) != 0 || strstr(result.err, text) == NULL)
        print_error("%s\nexit %d (not %d)\nstdout: %s\nstderr: %s\n", script, result.code, code,
                    result.out, result.err);
    assert_int_equal(result.code, code);
    assert_string_equal(result.out, out);
    assert_non_null(strstr(result.err, text));
    if (text[0] == '\0')
        assert_string_equal(result.err, "");
    command_free(&result);
}

/* It fails with one line, and nothing else has changed: no OUT, no file more or less. */
static void expect_refused(const char *script, int code, const char *text)
{
    const size_t files = folder_count();
    command_result result = command_shell(script, folder_path("."));
    assert_refused(&result, code, text);
    assert_int_equal(folder_count(), files);
    expect("test ! -e OUT && test ! -L OUT", 0, "", "");
}

static void both_ways(void **state)
{
    (void)state;
    expect("$PARSEAL seal --key-file K FILE -o OUT && $PARSEAL open --key-file K OUT -o BACK && "
           "cmp FILE BACK && wc -c <OUT && rm OUT BACK",
           0, "20056\n", "");
    expect("$PARSEAL seal --segment 4KB --aad 'round 7' --key-file K -o OUT FILE &&"
           "printf 'round 7' >A && $PARSEAL open --segment 4KB --aad-file A --key-file K OUT "
           "--output BACK && cmp FILE BACK && wc -c <OUT && rm OUT BACK A",
           0, "20120\n", "");
    expect(
        ": >E && $PARSEAL seal --key-file K E -o OUT && $PARSEAL open --key-file K OUT -o BACK &&"
        "cmp E BACK && wc -c <OUT && rm OUT BACK E",
        0, "56\n", "");
    expect("$PARSEAL seal --backend cpu --threads 1 --key-file K -o OUT -- FILE && "
           "$PARSEAL open --key-file K OUT -o BACK && cmp FILE BACK && rm OUT BACK",
           0, "", "");
}

static void pipes(void **state)
{
    (void)state;
    expect("cat FILE | $PARSEAL seal --key-file K - -o - | $PARSEAL open --key-file K - -o - | "
           "cmp FILE -",
           0, "", "");
    expect("cat FILE | $PARSEAL seal --key-file K - -o OUT && "
           "$PARSEAL open --key-file K -o /dev/stdout OUT | cmp FILE - && rm OUT",
           0, "", "");
    /* More than is read at once, and a whole number of such pieces. */
    expect("head -c 16777216 /dev/zero >BIG && cat BIG BIG | $PARSEAL seal --key-file K - -o - | "
           "$PARSEAL open --key-file K - -o - | cmp - BIG; cat BIG BIG FILE >BIG3 && "
           "$PARSEAL seal --key-file K BIG3 -o OUT && $PARSEAL open --key-file K OUT -o - | "
           "cmp BIG3 - && rm BIG BIG3 OUT",
           0, "", "BIG"); /* cmp: BIG ends before the 32 MiB do */
}

/* What the command writes, the library opens, and the other way round. */
static void as_the_library(void **state)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    uint8_t *sealed = malloc(SEALED), *opened = malloc(LEN);
    size_t written = 0;
    parseal_ctx *ctx = NULL;
    (void)state;
    params.segment_size = PARSEAL_SEALED_4KB;
    params.aad = "x y";
    params.aad_len = 3;
    assert_non_null(sealed);
    assert_non_null(opened);
    assert_int_equal(parseal_ctx_create(&ctx, NULL), PARSEAL_OK);
    assert_int_equal(
        parseal_sealed_seal(ctx, &params, keys[0], 32, plain, LEN, sealed, SEALED, &written),
        PARSEAL_OK);
    assert_int_equal(written, SEALED);
    folder_write("S", sealed, SEALED);
    expect("$PARSEAL open --segment 4KB --aad 'x y' --key-file K S -o - | cmp FILE - &&"
           "$PARSEAL seal --segment 4KB --aad 'x y' --key-file K FILE -o S",
           0, "", "");
    FILE *file = fopen(folder_path("S"), "rb");
    assert_non_null(file);
    assert_int_equal(fread(sealed, 1, SEALED, file), SEALED);
    assert_int_equal(fgetc(file), EOF);
    fclose(file);
    assert_int_equal(
        parseal_sealed_open(ctx, &params, keys[0], 32, sealed, SEALED, opened, LEN, &written),
        PARSEAL_OK);
    assert_memory_equal(opened, plain, LEN);
    parseal_ctx_destroy(ctx);
    free(sealed);
    free(opened);
    expect("rm S", 0, "", "");
}

static void key_sources(void **state)
{
    (void)state;
    expect("$PARSEAL seal --key-file K FILE -o S", 0, "", "");
    expect("od -An -v -tx1 K | tr -d ' \\n' >HEX; echo >>HEX; chmod 600 HEX; "
           "$PARSEAL open --key-file HEX S -o - | cmp FILE -",
           0, "", "");
    expect("base64 K >TEXT; chmod 600 TEXT; $PARSEAL open --key-file TEXT S -o - | cmp FILE -", 0,
           "", "");
    expect("tr -d '=\\n' <TEXT >BARE; chmod 600 BARE; $PARSEAL open --key-file BARE S -o - | "
           "cmp FILE -",
           0, "", "");
    expect("MY_KEY=$(cat HEX) $PARSEAL open --key-env MY_KEY S -o - | cmp FILE -", 0, "", "");
    expect("MY_KEY=$(cat TEXT) $PARSEAL open --key-env MY_KEY S -o - | cmp FILE -", 0, "", "");
    expect("$PARSEAL open --key-fd 3 S -o - 3<K | cmp FILE -", 0, "", "");
    expect("cat HEX | $PARSEAL open --key-fd 0 S -o - | cmp FILE -", 0, "", "");
    expect("chmod 640 HEX; $PARSEAL open --key-file HEX S -o BACK && cmp FILE BACK && rm BACK", 0,
           "", "parseal: note: --key-file HEX: others than its owner can use it (mode 640)");
    expect("rm S HEX TEXT BARE", 0, "", "");
}

static void bad_keys(void **state)
{
    static const struct {
        const char *args, *text;
    } cases[] = {
        {"", "no key: give one of --key-file, --key-env and --key-fd"},
        {"--key-file K --key-env HOME", "more than one key"},
        {"--key-file K --key-file L", "--key-file 'L': 'K' was given before"},
        {"--key-file NONE", "--key-file NONE: No such file"},
        {"--key-file .", "--key-file .: Is a directory"},
        {"--key-file FILE", "--key-file FILE: not a key"},
        {"--key-file SHORT", "--key-file SHORT: not a key"},
        {"--key-file LONG", "--key-file LONG: not a key"},
        {"--key-file ODD", "--key-file ODD: not a key"},
        {"--key-env NO_SUCH_KEY", "--key-env NO_SUCH_KEY: there is no such variable"},
        {"--key-env BAD_KEY", "--key-env BAD_KEY: not a key"},
        {"--key-fd 77", "--key-fd 77: Bad file descriptor"},
        {"--key-fd 0 --key-fd 0", "--key-fd 0: 0 was given before"},
        {"--key-fd x", "--key-fd 'x'"},
        {"--key 0102", "unknown option '--key'"},
        {"--new-key-file K", "unknown option '--new-key-file'"},
    };
    char script[512], odd[64];
    (void)state;
    memset(odd, 'a', sizeof odd);
    odd[63] = 'g';
    chmod(folder_write("SHORT", keys, 31), 0600);
    chmod(folder_write("LONG", keys, 33), 0600);
    chmod(folder_write("ODD", odd, sizeof odd), 0600);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(script, sizeof script,
                 "chmod 600 FILE; BAD_KEY=%.31s $PARSEAL seal %s FILE -o OUT", odd, cases[i].args);
        expect_refused(script, 2, cases[i].text);
    }
    expect("chmod 644 FILE; rm SHORT LONG ODD", 0, "", "");
}

static void usage_errors(void **state)
{
    static const struct {
        const char *args, *text;
    } cases[] = {
        {"seal --key-file K -o OUT", "no file to read"},
        {"seal --key-file K FILE", "no -o OUT"},
        {"open --key-file K FILE FILE -o OUT", "file 'FILE': 'FILE' was given before"},
        {"open --key-file K -o OUT -- FILE -x", "file '-x': 'FILE' was given before"},
        {"seal --key-file K FILE -o OUT -o X", "--output 'X': 'OUT' was given before"},
        {"seal --key-file K FILE -o OUT --segment 1024", "--segment '1024': neither 4KB nor 1MB"},
        {"seal --key-file K FILE -o OUT --aad x --aad-file FILE", "exclude each other"},
        {"seal --key-file K FILE -o OUT --aad-file NONE", "--aad-file NONE: No such file"},
        {"seal --key-file K FILE -o OUT --backend tpu", "--backend 'tpu'"},
        {"seal --key-file K FILE -o OUT --threads 0", "--threads '0'"},
        {"seal --key-file K FILE -o", "'-o' needs a value"},
        {"seal --key-file K FILE -q", "unknown option '-q'"},
        {"seal --key-file K NONE -o OUT", "NONE: No such file"},
        {"open --key-file K . -o OUT", ".: is a directory"},
        {"seal --key-file K FILE -o .", "-o .: is a directory"},
        {"seal --key-file K FILE -o NONE/OUT", "-o NONE/OUT: No such file"},
        {"seal --key-fd 0 - -o OUT", "standard input cannot be both"},
        {"rekey --key-file K FILE -o OUT", "no key: give one of --new-key-file"},
        {"rekey --key-fd 0 --new-key-fd 0 FILE -o OUT", "both are 0"},
        {"seal --key-file K FILE -o LINK", "-o LINK: is a link to nothing"},
    };
    char script[512];
    (void)state;
    expect("ln -s NOTHING LINK", 0, "", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(script, sizeof script, "$PARSEAL %s", cases[i].args);
        expect_refused(script, 2, cases[i].text);
    }
    expect("head -c 1048577 /dev/zero >A", 0, "", "");
    expect_refused("$PARSEAL seal --key-file K FILE -o OUT --aad-file A", 2,
                   "--aad-file A: has more than 1048576 bytes");
    expect("rm A LINK", 0, "", "");
}

/* S is sealed with 4 KiB segments; segment n of it is: dd bs=4096 skip=n count=1. */
static void nothing_from_a_forgery(void **state)
{
    static const struct {
        const char *make, *args, *text;
    } cases[] = {
        {"head -c 12288 S >T", "", "T: the stream was cut off: it ends with segment 2"},
        {"head -c 13000 S >T", "", "segment 3 is not authentic"},
        {"head -c 4097 S >T", "", "cut off"},
        {"head -c 40 S >T", "", "cut off"},
        {": >T", "", "cut off"},
        {"cat S S >T", "", "segment 4 is not authentic"},
        {"(cat S; echo) >T", "", "segment 4 is not authentic"},
        {"(head -c 4096 S; dd bs=4096 skip=2 count=1 if=S; dd bs=4096 skip=1 count=1 if=S; "
         "tail -c +12289 S) >T 2>dd",
         "", "segment 1 is not authentic"},
        {"(head -c 8192 S; dd bs=4096 skip=2 count=1 if=S2; tail -c +12289 S) >T 2>dd", "",
         "segment 2 is not authentic"},
        {"(head -c 40 S2; tail -c +41 S) >T", "", "segment 0 is not authentic"},
        {"(printf '\\030'; tail -c +2 S) >T", "", "header has 24 bytes"},
        {"cp S T", "--aad b", "segment 0 is not authentic"},
        {"cp S T", "", "segment 0 is not authentic"},
        {"cp S T", "--aad a --segment 1MB", "segment 0 is not authentic"},
        {"cp S T", "--aad a --key-file L", "segment 0 is not authentic"},
        {"cp FILE T", "", "header has 0 bytes, not 40"},
    };
    char script[512];
    (void)state;
    expect("for s in S S2; do $PARSEAL seal --segment 4KB --aad a --key-file K FILE -o $s; done; "
           ">T; >dd",
           0, "", "");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bool own_args = cases[i].args[0] != '\0' || strcmp(cases[i].make, "cp S T") == 0;
        const char *key = strstr(cases[i].args, "--key-file") != NULL ? "" : "--key-file K";
        const char *segment = strstr(cases[i].args, "--segment") != NULL ? "" : "--segment 4KB";
        const char *aad = own_args ? cases[i].args : "--aad a";
        expect(cases[i].make, 0, "", "");
        snprintf(script, sizeof script, "$PARSEAL open %s %s %s T -o OUT", key, segment, aad);
        expect_refused(script, 3, cases[i].text);
        snprintf(script, sizeof script, "$PARSEAL rekey %s --new-key-file L %s %s T -o OUT", key,
                 segment, aad);
        expect_refused(script, 3, cases[i].text);
        /* What OUT was before, it still is. */
        snprintf(script, sizeof script,
                 "echo old >OUT; $PARSEAL open %s %s %s T -o OUT; s=$?; cat OUT; rm OUT; exit $s",
                 key, segment, aad);
        expect(script, 3, "old\n", cases[i].text);
    }
    expect("rm S S2 T dd", 0, "", "");
}

/* Into a pipe go verified segments alone, and the end says that they are not all. */
static void a_pipe_gets_a_beginning(void **state)
{
    (void)state;
    expect("$PARSEAL seal --segment 4KB --key-file K FILE -o S; head -c 12288 S >T; "
           "$PARSEAL open --segment 4KB --key-file K T -o - >PART; s=$?; "
           "head -c 8120 FILE | cmp - PART && exit $s",
           3, "", "the 8120 bytes written are incomplete");
    /* A forged segment in a batch: nothing of the batch. */
    expect("(head -c 8192 S; head -c 4096 FILE; tail -c +12289 S) >T; "
           "$PARSEAL open --segment 4KB --key-file K T -o - >PART; s=$?; wc -c <PART; exit $s",
           3, "0\n", "T: segment 2 is not authentic");
    expect("rm S T PART", 0, "", "");
}

static void rekey(void **state)
{
    (void)state;
    expect("$PARSEAL seal --aad a --key-file K FILE -o S && cp S T && "
           "$PARSEAL rekey --aad a --key-file K --new-key-file L S -o S && "
           "$PARSEAL open --aad a --key-file L S -o - | cmp FILE -",
           0, "", "");
    expect_refused("$PARSEAL open --aad a --key-file K S -o OUT", 3, "segment 0");
    expect("$PARSEAL rekey --aad a --key-fd 3 --new-key-fd 4 T -o - 3<K 4<L | "
           "$PARSEAL open --aad a --key-file L - -o - | cmp FILE -",
           0, "", "");
    /* The new key is not the old one's successor by mistake. */
    expect_refused("$PARSEAL rekey --aad a --key-file L --new-key-file K T -o OUT", 3, "segment 0");
    /* Many chunks. */
    expect("head -c 50000001 /dev/zero >BIG; $PARSEAL seal --segment 4KB --key-file K BIG -o S && "
           "$PARSEAL rekey --segment 4KB --key-file K --new-key-file L S -o S && "
           "$PARSEAL open --segment 4KB --key-file L S -o - | cmp BIG -; rm BIG S T",
           0, "", "");
}

static void modes(void **state)
{
    (void)state;
    expect("umask 022; chmod 640 FILE; $PARSEAL seal --key-file K FILE -o S; stat -c %a S; "
           "$PARSEAL open --key-file K S -o P; stat -c %a P; chmod 666 S; "
           "$PARSEAL rekey --key-file K --new-key-file L S -o S; stat -c %a S; "
           "cat FILE | $PARSEAL seal --key-file K - -o S; stat -c %a S; chmod 644 FILE; rm S P",
           0, "640\n600\n644\n644\n", "");
    expect("echo old >REAL; ln -s REAL LINK; $PARSEAL seal --key-file K FILE -o LINK; "
           "test -L LINK && $PARSEAL open --key-file K REAL -o - | cmp FILE -; rm LINK REAL",
           0, "", "");
}

static void full_disk(void **state)
{
    struct stat status;
    (void)state;
    if (stat("/dev/full", &status) != 0 || !S_ISCHR(status.st_mode))
        skip();
    expect("$PARSEAL seal --key-file K FILE -o /dev/full", 1, "", "/dev/full: No space left");
    expect("$PARSEAL seal --key-file K FILE -o - >/dev/full", 1, "",
           "standard output: No space left");
    /* A limit in blocks of 512 bytes; SIGXFSZ ignored makes it an error of write. */
    expect("trap '' XFSZ; ulimit -f 8; $PARSEAL seal --key-file K FILE -o OUT; s=$?; "
           "ls OUT* 2>/dev/null; exit $s",
           1, "", "OUT: File too large");
}

static void help(void **state)
{
    static const char *const commands[] = {"seal", "open", "rekey"};
    char args[64], begin[64];
    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        snprintf(args, sizeof args, "%s --help", commands[i]);
        snprintf(begin, sizeof begin, "usage: parseal %s --key-file ", commands[i]);
        command_result result = command_run(args);
        assert_int_equal(result.code, 0);
        assert_int_equal(strncmp(result.out, begin, strlen(begin)), 0);
        assert_non_null(strstr(result.out, "--key-fd N"));
        assert_non_null(strstr(result.out, "Exit status: "));
        assert_int_equal(strstr(result.out, "--new-key-file K") != NULL, i == 2);
        command_free(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways),
        cmocka_unit_test(pipes),
        cmocka_unit_test(as_the_library),
        cmocka_unit_test(key_sources),
        cmocka_unit_test(bad_keys),
        cmocka_unit_test(usage_errors),
        cmocka_unit_test(nothing_from_a_forgery),
        cmocka_unit_test(a_pipe_gets_a_beginning),
        cmocka_unit_test(rekey),
        cmocka_unit_test(modes),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(help),
    };
    return cmocka_run_group_tests_name("sealed", tests, set_up, folder_remove);
}
