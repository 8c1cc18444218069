/* Programs kept in files: found again, and replaced where they are damaged. Wherever nothing can be
 * kept, contexts work without. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "hex.h"
#include "run.h"
#include "scratch.h"

enum { FILES_MAX = 16, PATH_SIZE = 512 };

/* Of each test: XDG_CACHE_HOME and HOME are somewhere in it. */
static char top[256];

static int make_top(void **state)
{
    (void)state;
    return scratch_make(top, sizeof top) ? 0 : -1;
}

static int remove_top(void **state)
{
    (void)state;
    return scratch_remove(top) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[PATH_SIZE];
    assert_in_range(snprintf(path, sizeof path, "%s/%s", top, name), 1, sizeof path - 1);
    return path;
}

/* NULL: not set. */
static void set(const char *variable, const char *value)
{
    assert_int_equal(value != NULL ? setenv(variable, value, 1) : unsetenv(variable), 0);
}

/* AES-256-GCM of the specification's test case 14, in a context of its own. */
static void works(void)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES], zeros[16];
    uint8_t out[16], right[32];
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_msg m = {.in = zeros, .out = out, .len = sizeof out};
    assert_int_equal(
        hex_decode("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919", right, 32),
        32);
    options.backend = PARSEAL_BACKEND_OPENCL;
    assert_ok(parseal_ctx_create(&ctx, &options));
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seal(keys, &m, 1));
    assert_bytes(out, right, 16);
    assert_bytes(m.tag, right + 16, 16);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* ------------------------------------------------------------------------------------- files -- */

typedef struct {
    char path[2 * PATH_SIZE];
    struct stat info;
} file;

/* What is in parseal/ below the folder, in order of names. */
typedef struct {
    file list[FILES_MAX];
    size_t n;
} files;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const file *)a)->path, ((const file *)b)->path);
}

static void look(files *found, const char *folder)
{
    char path[PATH_SIZE];
    assert_in_range(snprintf(path, sizeof path, "%s/parseal", folder), 1, sizeof path - 1);
    found->n = 0;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        assert_in_range(found->n, 0, FILES_MAX - 1);
        file *f = &found->list[found->n++];
        snprintf(f->path, sizeof f->path, "%s/%.256s", path, entry->d_name);
        assert_int_equal(stat(f->path, &f->info), 0);
    }
    closedir(dir);
    qsort(found->list, found->n, sizeof found->list[0], by_path);
}

static bool is_same(const file *a, const file *b)
{
    return strcmp(a->path, b->path) == 0 && a->info.st_ino == b->info.st_ino &&
           a->info.st_mtim.tv_sec == b->info.st_mtim.tv_sec &&
           a->info.st_mtim.tv_nsec == b->info.st_mtim.tv_nsec;
}

/* A context that finds all that it needs writes nothing. */
static void assert_kept(const files *before)
{
    files after;
    works();
    look(&after, top);
    assert_int_equal(after.n, before->n);
    for (size_t i = 0; i < after.n; i++)
        assert_true(is_same(&before->list[i], &after.list[i]));
}

static void found_again(void **state)
{
    (void)state;
    files made;
    set("XDG_CACHE_HOME", top);
    works();
    look(&made, top);
    assert_in_range(made.n, 1, FILES_MAX);
    for (size_t i = 0; i < made.n; i++) {
        assert_true(S_ISREG(made.list[i].info.st_mode));
        assert_int_equal(made.list[i].info.st_mode & 077, 0);
    }
    assert_kept(&made);
}

/* ------------------------------------------------------------------------------------ damage -- */

typedef void (*damage)(const file *f);

static void flip(const file *f, off_t at)
{
    uint8_t byte;
    const int fd = open(f->path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    assert_int_equal(close(fd), 0);
}

static void cut_short(const file *f)
{
    assert_int_equal(truncate(f->path, f->info.st_size / 2), 0);
}

static void flip_first(const file *f)
{
    flip(f, 0);
}

static void flip_hash(const file *f)
{
    flip(f, 40);
}

static void flip_middle(const file *f)
{
    flip(f, f->info.st_size / 2);
}

static void flip_last(const file *f)
{
    flip(f, f->info.st_size - 1);
}

static void cut_to_head(const file *f)
{
    assert_int_equal(truncate(f->path, 64), 0);
}

static void empty(const file *f)
{
    assert_int_equal(truncate(f->path, 0), 0);
}

static void lengthen(const file *f)
{
    assert_int_equal(truncate(f->path, f->info.st_size + 1), 0);
}

static void put_folder(const file *f)
{
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
}

/* All files are damaged, each in another way; the rounds together use all ways. */
static void damaged(void **state)
{
    (void)state;
    static const damage damages[] = {cut_short, flip_first,  flip_hash, flip_middle,
                                     flip_last, cut_to_head, empty,     lengthen};
    enum { ROUNDS = 2 };
    files before, after;
    set("XDG_CACHE_HOME", top);
    works();
    for (size_t round = 0; round < ROUNDS; round++) {
        look(&before, top);
        for (size_t i = 0; i < before.n; i++)
            damages[(i + round * COUNT_OF(damages) / ROUNDS) % COUNT_OF(damages)](&before.list[i]);
        works();
        look(&after, top);
        assert_int_equal(after.n, before.n); /* no drafts are left */
        for (size_t i = 0; i < after.n; i++) {
            assert_string_equal(after.list[i].path, before.list[i].path);
            assert_false(is_same(&before.list[i], &after.list[i]));
        }
        assert_kept(&after);
    }
}

/* A file that is whole, but another program's. */
static void mixed_up(void **state)
{
    (void)state;
    files before, after;
    char aside[PATH_SIZE];
    set("XDG_CACHE_HOME", top);
    works();
    look(&before, top);
    if (before.n < 2)
        skip();
    snprintf(aside, sizeof aside, "%s/aside", top);
    assert_int_equal(rename(before.list[0].path, aside), 0);
    assert_int_equal(rename(before.list[1].path, before.list[0].path), 0);
    assert_int_equal(rename(aside, before.list[1].path), 0);
    works();
    look(&after, top);
    assert_int_equal(after.n, before.n);
    assert_kept(&after);
}

static void folder_in_the_way(void **state)
{
    (void)state;
    files before, after;
    set("XDG_CACHE_HOME", top);
    works();
    look(&before, top);
    for (size_t i = 0; i < before.n; i++)
        put_folder(&before.list[i]);
    works();
    look(&after, top);
    assert_int_equal(after.n, before.n);
    for (size_t i = 0; i < after.n; i++)
        assert_true(S_ISDIR(after.list[i].info.st_mode));
}

/* ------------------------------------------------------------------------------------- places --
 */

static void assert_nothing_made(const char *folder)
{
    files found;
    look(&found, folder);
    assert_int_equal(found.n, 0);
}

static void below_home(void **state)
{
    (void)state;
    files made;
    set("XDG_CACHE_HOME", NULL);
    set("HOME", top);
    works();
    look(&made, path_of(".cache"));
    assert_in_range(made.n, 1, FILES_MAX);
}

static void nowhere(void **state)
{
    (void)state;
    set("XDG_CACHE_HOME", NULL);
    set("HOME", NULL);
    works();
}

/* Relative paths are not looked at. */
static void relative(void **state)
{
    (void)state;
    char *const here = getcwd(NULL, 0);
    assert_non_null(here);
    assert_int_equal(chdir(top), 0);
    assert_int_equal(mkdir(path_of("relative"), 0700), 0);
    set("XDG_CACHE_HOME", "relative");
    set("HOME", "relative");
    works();
    assert_nothing_made(path_of("relative"));
    assert_nothing_made(path_of("relative/.cache"));
    assert_int_equal(chdir(here), 0);
    free(here);
}

static void longer_than_paths(void **state)
{
    (void)state;
    char *path = malloc(5001);
    assert_non_null(path);
    memset(path, 'a', 5000);
    path[0] = '/';
    path[5000] = '\0';
    set("XDG_CACHE_HOME", path);
    works();
    free(path);
}

static void below_a_file(void **state)
{
    (void)state;
    FILE *f = fopen(path_of("file"), "wb");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    set("XDG_CACHE_HOME", path_of("file"));
    works();
}

/* Nobody may make files there, not even root. */
static void below_proc(void **state)
{
    (void)state;
    set("XDG_CACHE_HOME", "/proc");
    works();
}

static void with_mode(mode_t mode)
{
    if (geteuid() == 0) {
        print_message("root may write everywhere\n");
        skip();
    }
    set("XDG_CACHE_HOME", top);
    works();
    assert_int_equal(chmod(path_of("parseal"), mode), 0);
    works();
    assert_int_equal(chmod(path_of("parseal"), 0700), 0);
}

static void read_only(void **state)
{
    (void)state;
    with_mode(0500);
}

static void unreadable(void **state)
{
    (void)state;
    with_mode(0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_top, remove_top)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(found_again),       IN_FOLDER(damaged),      IN_FOLDER(mixed_up),
        IN_FOLDER(folder_in_the_way), IN_FOLDER(below_home),   IN_FOLDER(nowhere),
        IN_FOLDER(relative),          IN_FOLDER(below_a_file), IN_FOLDER(longer_than_paths),
        IN_FOLDER(below_proc),        IN_FOLDER(read_only),    IN_FOLDER(unreadable),
    };
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = PARSEAL_BACKEND_OPENCL;
    if (parseal_ctx_create(&ctx, &options) == PARSEAL_ERR_NO_DEVICE)
        return run_skip("no OpenCL device");
    parseal_ctx_destroy(ctx);
    return RUN_SUITE("cached programs", tests);
}
