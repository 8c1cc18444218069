/* Models in shards: an index and the files that it names, good and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "host/cli/bytes.h"
#include "host/cli/round/model.h"
#include "host/cli/round/params.h"

#define INDEX "model.safetensors.index.json"
#define A     "a.safetensors"
#define B     "b.safetensors"

static const char *write_index(const char *text)
{
    return folder_write(INDEX, text, strlen(text));
}

/* A shard of F32 tensors with one value each. The names come as they are in JSON, parted by blanks;
 * the values are first, first + 1, ... */
static void write_shard(const char *file, const char *names, float first)
{
    char header[2048] = "{";
    uint8_t data[64];
    size_t n = 0;
    while (*names != '\0') {
        const size_t size = strcspn(names, " "), length = strlen(header);
        const float x = first + (float)n;
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        snprintf(header + length, sizeof header - length,
                 "%s\"%.*s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
                 n == 0 ? "" : ",", (int)size, names, 4 * n, 4 * n + 4);
        store_le32(data + 4 * n++, bits);
        names += size + (names[size] == ' ');
    }
    strcat(header, "}");
    folder_write_safetensors(file, header, data, 4 * n);
}

static void write_good_shards(void)
{
    write_shard(A, "x y", 1);
    write_shard(B, "z", 3);
}

static void assert_values(const char *path, size_t n, float first)
{
    cli_failure failure = {CLI_OK, ""};
    params p;
    if (params_load(&p, path, &failure) != CLI_OK)
        print_error("%s\n", failure.text);
    assert_int_equal(failure.code, CLI_OK);
    assert_int_equal(p.n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(p.x[i] == first + (float)i);
    params_destroy(&p);
}

static void assert_bad(const char *what, const char *path, const char *first, const char *second)
{
    cli_failure failure = {CLI_OK, ""};
    params p;
    const int code = params_load(&p, path, &failure);
    if (code != CLI_USAGE || strstr(failure.text, first) == NULL ||
        strstr(failure.text, second) == NULL)
        print_error("%s: %d, '%s'\n", what, code, failure.text);
    assert_int_equal(code, CLI_USAGE);
    assert_non_null(strstr(failure.text, first));
    assert_non_null(strstr(failure.text, second));
    assert_null(p.buffer.p);
}

/* Shards by their names, whatever the order in the index is; then data order. */
static void test_good(void **state)
{
    static const char *const indexes[] = {
        "{\"weight_map\":{\"z\":\"" B "\",\"y\":\"" A "\",\"x\":\"" A "\"}}",
        " {\"metadata\":{\"total_size\":12,\"n\":[1.5e3]},\"weight_map\":{\"x\":\"\\u0061"
        ".safetensors\",\"\\u0079\":\"" A "\",\"z\":\"" B "\"},\"extra\":null}\n",
    };
    (void)state;
    write_good_shards();
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++)
        assert_values(write_index(indexes[i]), 3, 1);
}

static void test_names_with_zero_bytes(void **state)
{
    (void)state;
    write_shard(A, "n\\u0000a \\u0000", 1);
    write_shard(B, "n\\u0000b n", 3);
    const char *path = write_index("{\"weight_map\":{\"n\":\"" B "\",\"\\u0000\":\"" A
                                   "\",\"n\\u0000a\":\"" A "\",\"n\\u0000b\":\"" B "\"}}");
    assert_values(path, 4, 1);
}

/* In the current folder the path has no '/'. */
static void test_current_folder(void **state)
{
    char before[4096];
    (void)state;
    write_good_shards();
    write_index("{\"weight_map\":{\"z\":\"" B "\",\"y\":\"" A "\",\"x\":\"" A "\"}}");
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder_path(".")), 0);
    assert_values(INDEX, 3, 1);
    assert_values("./" INDEX, 3, 1);
    assert_int_equal(chdir(before), 0);
}

/* What the user names may be a link; its folder is the one that the path gives. */
static void test_index_is_a_link(void **state)
{
    char link[512]; /* outlives what folder_path returns */
    (void)state;
    strcpy(link, folder_path("link.safetensors.index.json"));
    write_good_shards();
    write_index("{\"weight_map\":{\"z\":\"" B "\",\"y\":\"" A "\",\"x\":\"" A "\"}}");
    assert_int_equal(symlink(INDEX, link), 0);
    assert_values(link, 3, 1);
    assert_int_equal(unlink(link), 0);
}

/* In the index: what is in it, and two parts of the message. */
static const struct {
    const char *what, *text, *first, *second;
} bad_indexes[] = {
    {"empty", "", INDEX, "index: byte 0: the text ends"},
    {"no JSON", "weights", INDEX, "index: byte 0"},
    {"cut off", "{\"weight_map\":{\"x\":\"" A, INDEX, "the text ends"},
    {"an array", "[]", INDEX, "not a JSON object"},
    {"more after it", "{\"weight_map\":{\"x\":\"" A "\"}} {}", INDEX, "nothing but blanks"},
    {"byte order mark", "\xef\xbb\xbf{\"weight_map\":{\"x\":\"" A "\"}}", INDEX, "byte 0"},
    {"no weight_map", "{\"metadata\":{}}", INDEX, "weight_map is missing"},
    {"weight_map of an array", "{\"weight_map\":[]}", INDEX, "weight_map is not an object"},
    {"weight_map of null", "{\"weight_map\":null}", INDEX, "weight_map is not an object"},
    {"empty weight_map", "{\"weight_map\":{}}", INDEX, "weight_map has no tensors"},
    {"weight_map twice", "{\"weight_map\":{\"x\":\"" A "\"},\"weight_map\":{\"y\":\"" A "\"}}",
     INDEX, "weight_map is there twice"},
    {"a number for a file", "{\"weight_map\":{\"x\":1}}", "'x'", "not a string"},
    {"an array for a file", "{\"weight_map\":{\"x\":[\"" A "\"]}}", "'x'", "not a string"},
    {"a tensor twice", "{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" A "\",\"x\":\"" B "\"}}", "'x'",
     "is there twice"},
    {"the same twice", "{\"weight_map\":{\"x\":\"" A "\",\"\\u0078\":\"" A "\"}}", "'x'",
     "is there twice"},
    {"a missing tensor",
     "{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" A "\",\"z\":\"" B "\",\"w\":\"" B "\"}}",
     "weight_map: tensor 'w'", "is missing in 'b.safetensors'"},
    {"an unlisted tensor", "{\"weight_map\":{\"x\":\"" A "\",\"z\":\"" B "\"}}", A ": tensor 'y'",
     "is not in the index"},
    {"listed elsewhere", "{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" B "\",\"z\":\"" B "\"}}",
     A ": tensor 'y'", "the index has it in 'b.safetensors'"},
    {"no such shard", "{\"weight_map\":{\"x\":\"none.safetensors\"}}", "none.safetensors",
     "No such file"},
};

static void test_bad_indexes(void **state)
{
    (void)state;
    write_good_shards();
    for (size_t i = 0; i < sizeof bad_indexes / sizeof bad_indexes[0]; i++)
        assert_bad(bad_indexes[i].what, write_index(bad_indexes[i].text), bad_indexes[i].first,
                   bad_indexes[i].second);
}

/* Names that lead elsewhere, or that no file can have. */
static void test_bad_shard_names(void **state)
{
    static const char *const names[] = {
        "",
        ".",
        "..",
        "/",
        ".safetensors",
        "./" A,
        "../" A,
        "sub/../" A,
        "/etc/passwd",
        "/a.safetensors",
        "a.safetensors/",
        "a\\u002f" A,
        "a.safetensors\\u0000",
        "a\\u0000.safetensors",
        "a",
        "a.SAFETENSORS",
        "model.bin",
        INDEX,
    };
    char index[1024], longest[256 + 1];
    (void)state;
    write_good_shards();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(index, sizeof index, "{\"weight_map\":{\"x\":\"%s\"}}", names[i]);
        assert_bad(names[i], write_index(index), "tensor 'x'", "is not the plain name");
    }
    memset(longest, 'a', 256);
    strcpy(longest + 256 - strlen(".safetensors"), ".safetensors");
    snprintf(index, sizeof index, "{\"weight_map\":{\"x\":\"%s\"}}", longest);
    assert_bad("256 bytes", write_index(index), "tensor 'x'", "is not the plain name");
    snprintf(index, sizeof index, "{\"weight_map\":{\"x\":\"%s\"}}", longest + 1);
    assert_bad("255 bytes", write_index(index), "aaa", "No such file");
}

/* Names that are plain and files that are not. */
static void test_shards_that_are_no_files(void **state)
{
    static const char index[] = "{\"weight_map\":{\"x\":\"s.safetensors\"}}";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char shard[512]; /* outlives what folder_path returns */
    (void)state;
    strcpy(shard, folder_path("s.safetensors"));
    write_shard("real.safetensors", "x", 1);

    assert_int_equal(symlink("/dev/zero", shard), 0);
    assert_bad("a link to a device", write_index(index), "s.safetensors", "symbolic link");
    unlink(shard);
    assert_int_equal(symlink("none", shard), 0);
    assert_bad("a link to nothing", write_index(index), "s.safetensors", "symbolic link");
    unlink(shard);
    assert_int_equal(symlink("real.safetensors", shard), 0);
    assert_bad("a link within the folder", write_index(index), "s.safetensors", "symbolic link");
    unlink(shard);
    assert_int_equal(symlink("s.safetensors", shard), 0);
    assert_bad("a link to itself", write_index(index), "s.safetensors", "symbolic link");
    unlink(shard);
    assert_int_equal(mkdir(shard, 0700), 0);
    assert_bad("a folder", write_index(index), "s.safetensors", "not a regular file");
    rmdir(shard);
    assert_int_equal(mkfifo(shard, 0600), 0);
    assert_bad("a FIFO", write_index(index), "s.safetensors", "not a regular file");
    unlink(shard);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0 && strlen(shard) < sizeof address.sun_path) {
        strcpy(address.sun_path, shard);
        if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
            assert_bad("a socket", write_index(index), "s.safetensors", "");
        unlink(shard);
    }
    if (fd >= 0)
        close(fd);
    assert_int_equal(link(folder_path("real.safetensors"), shard), 0);
    assert_values(write_index(index), 1, 1); /* a file with another name as well is a file */
    unlink(shard);
}

/* One file under two names has every tensor twice. */
static void test_doubled(void **state)
{
    (void)state;
    write_good_shards();
    write_shard(B, "z x", 3);
    const char *path =
        write_index("{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" A "\",\"z\":\"" B "\"}}");
    assert_bad("in both", path, B ": tensor 'x'", "the index has it in 'a.safetensors', not here");
}

static void test_bad_shard(void **state)
{
    (void)state;
    write_good_shards();
    const char *path =
        write_index("{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" A "\",\"z\":\"" B "\"}}");
    folder_write(B, "1234", 4);
    assert_bad("cut", path, B ": header", "8 bytes of its length");
}

/* A shard that is another file, or of another size, when its data are read. */
static void test_changed_meanwhile(void **state)
{
    float x[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        cli_failure failure = {CLI_OK, ""};
        model m;
        write_good_shards();
        const char *path =
            write_index("{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" A "\",\"z\":\"" B "\"}}");
        assert_int_equal(model_open(&m, path, &failure), CLI_OK);
        if (i == 1)
            assert_int_equal(truncate(folder_path(B), 12), 0);
        if (i == 2) { /* the old one stays, so that the new one cannot have its number */
            assert_int_equal(rename(folder_path(B), folder_path("old.safetensors")), 0);
            write_shard(B, "z", 3);
        }
        assert_int_equal(model_read(&m, x, &failure), i == 0 ? CLI_OK : CLI_USAGE);
        assert_true(i == 0 || strstr(failure.text, B ": changed while it was read") != NULL);
        model_close(&m);
    }
}

static void test_folders_that_are_none(void **state)
{
    (void)state;
    assert_bad("no folder", folder_path("none/" INDEX), "none/" INDEX, "No such file");
    write_shard(A, "x", 1);
    assert_bad("a file", folder_path(A "/" INDEX), INDEX, "Not a directory");
    assert_bad("no index", folder_path("none.safetensors.index.json"), "none", "No such file");
    const char *path = folder_path("fifo.safetensors.index.json");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_bad("a FIFO", path, "fifo", "not a regular file");
    unlink(path);
}

static void test_large_and_deep(void **state)
{
    enum { TENSORS = 100000, DEPTH = 1000000 };
    char *text = malloc(TENSORS * 40 + DEPTH), *end = text;
    (void)state;
    assert_non_null(text);
    write_good_shards();

    end += sprintf(end, "{\"weight_map\":{\"x\":\"" A "\"");
    for (int i = 0; i < TENSORS; i++)
        end += sprintf(end, ",\"%d\":\"s%d.safetensors\"", i, i);
    strcpy(end, "}}");
    assert_bad("many shards", write_index(text), A ": tensor 'y'", "is not in the index");

    end = text + sprintf(text, "{\"weight_map\":{\"x\":\"" A "\",\"y\":\"" A "\"");
    for (int i = 0; i < TENSORS; i++)
        end += sprintf(end, ",\"%d\":\"" A "\"", i);
    strcpy(end, "}}");
    assert_bad("many tensors", write_index(text), "tensor '0'", "is missing in 'a.safetensors'");

    strcpy(text, "{\"a\":");
    memset(text + 5, '[', DEPTH);
    text[5 + DEPTH] = '\0';
    assert_bad("deep", write_index(text), INDEX, "depth of 128");
    free(text);

    const char *path = folder_write(INDEX, "{", 1);
    assert_int_equal(truncate(path, 100000001), 0);
    assert_bad("above the limit", path, INDEX, "above the limit of 100000000 bytes");
    assert_int_equal(truncate(path, 100000000), 0);
    assert_bad("zeros", path, INDEX, "byte 1");
    unlink(path);
}

/* Every cut of a good index and every other byte in it makes it a bad one. */
static void test_mutations(void **state)
{
    static const char good[] = "{\"weight_map\":{\"z\":\"" B "\",\"y\":\"" A "\",\"x\":\"" A "\"}}";
    static const char values[] = {0x00, '"', '{', '}', '[', '\\', '/', '.', ',', '\x7f', '\xff'};
    char changed[sizeof good];
    (void)state;
    write_good_shards();
    for (size_t size = 0; size < sizeof good - 1; size++)
        assert_bad("cut", folder_write(INDEX, good, size), INDEX, "the text ends");
    for (size_t i = 0; i < sizeof good - 1; i++) {
        for (size_t v = 0; v < sizeof values; v++) {
            memcpy(changed, good, sizeof good);
            changed[i] = values[v];
            if (changed[i] != good[i])
                assert_bad("changed", folder_write(INDEX, changed, sizeof good - 1), "", "");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_names_with_zero_bytes),
        cmocka_unit_test(test_current_folder),
        cmocka_unit_test(test_index_is_a_link),
        cmocka_unit_test(test_bad_indexes),
        cmocka_unit_test(test_bad_shard_names),
        cmocka_unit_test(test_shards_that_are_no_files),
        cmocka_unit_test(test_doubled),
        cmocka_unit_test(test_bad_shard),
        cmocka_unit_test(test_changed_meanwhile),
        cmocka_unit_test(test_folders_that_are_none),
        cmocka_unit_test(test_large_and_deep),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests_name("model index", tests, folder_create, folder_remove);
}
