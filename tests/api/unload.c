/* A program that loads the library, uses its threads, and unloads it, again and again: nothing of
 * it is left in the process, and nothing runs in what is gone. */
#include <dlfcn.h>
#include <parseal/parseal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"
#include "test.h"

enum { ROUNDS = 5, ELEMENTS = 1 << 20 };

static const char *path;

/* Returns whether a file of that name is mapped. */
static bool is_mapped(const char *name)
{
    char line[1024];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL)
        found = found || strstr(line, name) != NULL;
    (void)fclose(maps);
    return found;
}

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);
    assert_non_null(found);
    return found;
}

static void load_use_unload(void)
{
    static uint32_t a[ELEMENTS], b[ELEMENTS];
    parseal_status (*create)(parseal_ctx **, const parseal_options *);
    parseal_status (*sum)(parseal_ctx *, const parseal_ring *, const parseal_vec *,
                          const parseal_vec *, size_t, void *);
    void (*destroy)(parseal_ctx *);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    *(void **)&create = function(library, "parseal_ctx_create");
    *(void **)&sum = function(library, "parseal_vec_sum");
    *(void **)&destroy = function(library, "parseal_ctx_destroy");

    const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    const parseal_vec acc = parseal_host_vec(a, ELEMENTS, 4), v = parseal_host_vec(b, ELEMENTS, 4);
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = PARSEAL_BACKEND_CPU;
    for (uint32_t i = 0; i < ELEMENTS; i++) {
        elem_store(a, i, 4, i);
        elem_store(b, i, 4, i);
    }
    assert_int_equal(create(&ctx, &options), PARSEAL_OK);
    assert_int_equal(sum(ctx, &ring, &acc, &v, 1, NULL), PARSEAL_OK);
    assert_int_equal(elem_load(a, ELEMENTS - 1, 4), 2 * (ELEMENTS - 1));
    destroy(ctx);
    assert_int_equal(dlclose(library), 0);
}

static void comes_and_goes(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        load_use_unload();
        assert_false(is_mapped("libparseal"));
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(comes_and_goes)};
    if (argc != 2)
        return 2;
    path = argv[1];
    return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
