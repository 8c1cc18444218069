/* Structs that may grow, on a library whose structs have another length: a program of today's on a
 * library whose structs have a field more at their end, and a program with that field (TOMORROW) on
 * today's library.
 *
 * Each struct ends where a page begins that nobody may touch. One that is read is taken with zeros
 * behind what the library knows, and refused by name with anything else there. One that is written
 * keeps what lies behind. A size that no struct has is refused before a byte behind it is read. */
#include <parseal/aggregator.h>
#include <parseal/fcp.h>
#include <parseal/sealed.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/support/sizes.h"
#include "test.h"

enum { FIELD = sizeof(uint64_t), UNTOUCHED = 0xa5, STRUCT_MAX = 4096 };

static parseal_ctx *ctx;
static parseal_keys *keys;
static parseal_seeds *seeds;
static uint8_t data[64];
static const parseal_ring ring = {0, 8, 0};

/* What a call writes to besides, so that a call of a struct that is read can be told from none. */
static uint64_t result;

/* A call with the struct at p, which may be refused; it succeeds only with the right outputs. */
typedef parseal_status (*struct_call)(void *p);

static parseal_status with_options(void *p)
{
    parseal_ctx *made = NULL;
    const parseal_status status = parseal_ctx_create(&made, p);
    parseal_ctx_destroy(made);
    return status;
}

static parseal_status with_info(void *p)
{
    const parseal_info *info = p;
    const parseal_status status = parseal_ctx_info(ctx, p);
    if (status == PARSEAL_OK)
        assert_int_equal(info->backend, PARSEAL_BACKEND_CPU);
    return status;
}

static parseal_status with_primitive_info(void *p)
{
    const parseal_primitive_info *info = p;
    const parseal_status status = parseal_ctx_primitive(ctx, PARSEAL_PRIMITIVE_MASK, p);
    if (status == PARSEAL_OK) {
        assert_string_equal(info->impl, "portable");
        assert_int_equal(info->crossover, 0);
    }
    return status;
}

static parseal_status with_impl(void *p)
{
    const parseal_impl *impl = p;
    const size_t last = parseal_impl_count() - 1; /* the CPU's reference */
    const parseal_status status = parseal_impl_test(last, p);
    if (status == PARSEAL_OK) {
        assert_string_equal(impl->name, "portable");
        assert_int_equal(impl->state, PARSEAL_IMPL_PASSED);
    }
    return status;
}

static parseal_status with_alg(void *p)
{
    const parseal_alg *alg = p;
    const parseal_status status = parseal_alg_info(PARSEAL_AES128GCM, p);
    if (status == PARSEAL_OK) {
        assert_string_equal(alg->name, "aes-128-gcm");
        assert_int_equal(alg->message_max, PARSEAL_MESSAGEBYTES_MAX);
    }
    return status;
}

static parseal_status with_keys_options(void *p)
{
    parseal_keys *made = NULL;
    const parseal_status status = parseal_keys_create(&made, ctx, PARSEAL_AES128GCM, data, 4, p);
    parseal_keys_destroy(made);
    return status;
}

static parseal_status with_set_info(void *p)
{
    const parseal_set_info *info = p;
    parseal_status status = parseal_seeds_info(seeds, p);
    if (status == PARSEAL_OK) {
        assert_int_equal(info->n, 1);
        assert_int_equal(info->alg, 0);
        status = parseal_keys_info(keys, p);
        assert_int_equal(info->n, 2);
        assert_int_equal(info->alg, PARSEAL_AES256GCM);
    }
    return status;
}

static void fill_shape(void *p)
{
    static const uint64_t len[] = {16, 9}, offset[] = {0, 16};
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = 2;
    shape.len = len;
    shape.in_offset = offset;
    memcpy(p, &shape, sizeof shape);
}

static parseal_status with_shape(void *p)
{
    parseal_plan *made = NULL;
    const parseal_status status = parseal_plan_create(&made, keys, p);
    parseal_plan_destroy(made);
    return status;
}

static int32_t verdicts[2];
static uint8_t nonces[24], tags[32];
static _Alignas(16) uint64_t workspace[512];

static void fill_io(void *p)
{
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = io.out = parseal_host_buf(data, 25);
    io.nonce = parseal_host_buf(nonces, sizeof nonces);
    io.tag = parseal_host_buf(tags, sizeof tags);
    io.verdict = parseal_host_buf(verdicts, sizeof verdicts);
    io.workspace = parseal_host_buf(workspace, sizeof workspace);
    memcpy(p, &io, sizeof io);
}

static parseal_status with_io(void *p)
{
    parseal_aead_shape shape;
    parseal_plan *plan = NULL;
    fill_shape(&shape);
    assert_int_equal(parseal_plan_create(&plan, keys, &shape), PARSEAL_OK);
    assert_true(parseal_plan_workspace_size(plan) <= sizeof workspace);
    const parseal_status status = parseal_plan_seal(plan, p, NULL);
    parseal_plan_destroy(plan);
    if (status == PARSEAL_OK)
        assert_int_equal(verdicts[1], PARSEAL_ITEM_OK);
    return status;
}

static void fill_quant(void *p)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1;
    quant.bits = 8;
    quant.rounding = PARSEAL_ROUND_NEAREST;
    memcpy(p, &quant, sizeof quant);
}

static parseal_status with_quant(void *p)
{
    const float x[2] = {-1.0f, 1.0f};
    uint32_t q[2] = {77, 77};
    const parseal_vec from = parseal_host_vec(x, 2, 4), to = parseal_host_vec(q, 2, 4);
    const parseal_status status = parseal_quantize(ctx, p, &from, &to, NULL, 0, NULL, NULL);
    result = ((uint8_t *)q)[4]; /* elements are little-endian */
    if (status == PARSEAL_OK)
        assert_int_equal(result, 255);
    return status;
}

static parseal_status with_mean_options(void *p)
{
    const uint8_t sum[4] = {255};
    float mean = 0;
    parseal_quant quant;
    const parseal_vec from = parseal_host_vec(sum, 1, 4), to = parseal_host_vec(&mean, 1, 4);
    fill_quant(&quant);
    const parseal_status status = parseal_dequantize(ctx, &quant, &from, 1, &to, p, NULL);
    if (status == PARSEAL_OK)
        assert_true(mean == 1.0f);
    return status;
}

static parseal_status with_quant_check_options(void *p)
{
    return parseal_quant_check(1000, 16, &ring, p);
}

static void fill_aggregator_options(void *p)
{
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = ring;
    options.dim = 3;
    options.bits = 5;
    memcpy(p, &options, sizeof options);
}

static parseal_status with_aggregator_options(void *p)
{
    parseal_aggregator *made = NULL;
    const parseal_status status = parseal_aggregator_create(&made, ctx, p);
    if (status == PARSEAL_OK) {
        assert_int_equal(parseal_aggregator_update_size(made, &result), PARSEAL_OK);
        assert_int_equal(result, 2); /* 15 bits */
    }
    parseal_aggregator_destroy(made);
    return status;
}

static parseal_status with_sealed_params(void *p)
{
    const parseal_status status = parseal_sealed_size(p, 100, &result);
    if (status == PARSEAL_OK)
        assert_int_equal(result, 156); /* a header of 40 bytes and a tag */
    return status;
}

static void fill_fcp_mask(void *p)
{
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    mask.modulus = 256;
    mask.n = 10;
    memcpy(p, &mask, sizeof mask);
}

static parseal_status with_fcp_mask(void *p)
{
    const parseal_fcp_key key = {data, 32, 1};
    parseal_seeds *made = NULL;
    const parseal_status status = parseal_fcp_seeds_create(&made, ctx, p, &key, 1);
    parseal_seeds_destroy(made);
    return status;
}

static void fill_counting(void *p)
{
    parseal_counting counting = PARSEAL_COUNTING_INIT;
    counting.step = 1;
    memcpy(p, &counting, sizeof counting);
}

/* The CPU counts nothing, and says so once it has taken the struct. */
static parseal_status with_counting(void *p)
{
    const parseal_seed seed = {.sign = 1};
    parseal_seeds *made = NULL;
    const parseal_status status = parseal_seeds_create_counting(&made, ctx, &seed, 1, p);
    assert_null(made);
    return status == PARSEAL_ERR_UNSUPPORTED ? PARSEAL_OK : status;
}

/* fill NULL: the struct is written, or zeros will do where it is read. */
typedef struct {
    const char *name;
    size_t size, first; /* in this program, and in the first release */
    size_t alignment;
    bool written;
    struct_call call;
    void (*fill)(void *p);
} growable;

#define READ(type, FIRST, call, fill)                                                    \
    {                                                                                    \
#type, sizeof(type), PARSEAL_##FIRST##_SIZE_0, _Alignof(type), false, call, fill \
    }
#define WRITTEN(type, FIRST, call)                                                      \
    {                                                                                   \
#type, sizeof(type), PARSEAL_##FIRST##_SIZE_0, _Alignof(type), true, call, NULL \
    }

static void fill_params(void *p)
{
    const parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    memcpy(p, &params, sizeof params);
}

static void fill_options(void *p)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_impl = "portable";
    memcpy(p, &options, sizeof options);
}

static const growable structs[] = {
    READ(parseal_options, OPTIONS, with_options, fill_options),
    WRITTEN(parseal_info, INFO, with_info),
    WRITTEN(parseal_primitive_info, PRIMITIVE_INFO, with_primitive_info),
    WRITTEN(parseal_impl, IMPL, with_impl),
    WRITTEN(parseal_alg, ALG, with_alg),
    READ(parseal_keys_options, KEYS_OPTIONS, with_keys_options, NULL),
    WRITTEN(parseal_set_info, SET_INFO, with_set_info),
    READ(parseal_aead_shape, AEAD_SHAPE, with_shape, fill_shape),
    READ(parseal_aead_io, AEAD_IO, with_io, fill_io),
    READ(parseal_quant, QUANT, with_quant, fill_quant),
    READ(parseal_mean_options, MEAN_OPTIONS, with_mean_options, NULL),
    READ(parseal_quant_check_options, QUANT_CHECK_OPTIONS, with_quant_check_options, NULL),
    READ(parseal_aggregator_options, AGGREGATOR_OPTIONS, with_aggregator_options,
         fill_aggregator_options),
    READ(parseal_sealed_params, SEALED_PARAMS, with_sealed_params, fill_params),
    READ(parseal_fcp_mask, FCP_MASK, with_fcp_mask, fill_fcp_mask),
    READ(parseal_counting, COUNTING, with_counting, fill_counting),
};

/* The end of memory that may be touched, with a page and more before it. */
static uint8_t *end_of_memory(void)
{
    static uint8_t *end;
    if (end == NULL) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        uint8_t *base =
            mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(base != MAP_FAILED && page >= STRUCT_MAX);
        assert_int_equal(mprotect(base + 3 * page, page, PROT_NONE), 0);
        end = base + 3 * page;
    }
    return end;
}

/* The struct as a program would fill it, `size` bytes before the end of memory. */
static uint8_t *place(const growable *g, size_t size)
{
    uint8_t whole[STRUCT_MAX] = {0}, *p = end_of_memory() - size;
    if (g->fill != NULL)
        g->fill(whole);
    memcpy(p, whole, size);
    if (g->written)
        memset(p, UNTOUCHED, size);
    memcpy(p, &size, sizeof size);
    return p;
}

static void assert_refused(const growable *g, uint8_t *p, size_t size)
{
    if (g->call(p) != PARSEAL_ERR_ARG)
        fail_msg("%s: struct_size %zu was not refused", g->name, size);
    if (strstr(parseal_last_error_text(), "struct_size") == NULL)
        fail_msg("%s: \"%s\" does not name struct_size", g->name, parseal_last_error_text());
}

static void assert_taken(const growable *g, uint8_t *p, size_t size)
{
    size_t kept;
    if (g->call(p) != PARSEAL_OK)
        fail_msg("%s: struct_size %zu: %s", g->name, size, parseal_last_error_text());
    memcpy(&kept, p, sizeof kept);
    assert_int_equal(kept, size);
}

/* A struct that is longer than the library's. */
static void check_longer(const growable *g, size_t known, size_t size)
{
    uint8_t *p = place(g, size);
    assert_taken(g, p, size);
    if (g->written) {
        assert_int_not_equal(p[known - 1], UNTOUCHED);
        for (size_t i = known; i < size; i++)
            assert_int_equal(p[i], UNTOUCHED);
        return;
    }
    for (size_t i = known; i < size; i += size - 1 - known) {
        p[i] = 1;
        assert_refused(g, p, size);
        p[i] = 0;
    }
    assert_taken(g, p, size);
}

static void sizes_between_releases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(structs); i++) {
        const growable *g = &structs[i];
        const size_t known = g->size - (TOMORROW ? FIELD : 0);
        assert_taken(g, place(g, g->first), g->first);
        assert_taken(g, place(g, g->size), g->size);
        if (TOMORROW)
            check_longer(g, known, g->size);
        check_longer(g, known + (TOMORROW ? 0 : FIELD), STRUCT_MAX);
    }
}

/* Where a size is refused nothing is read behind the struct, which would end the program, and
 * nothing is written to it. */
static void sizes_of_no_release(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(structs); i++) {
        const growable *g = &structs[i];
        const size_t sizes[] = {0, sizeof(size_t), g->first - 1, STRUCT_MAX + 1, 100000, SIZE_MAX};
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            uint8_t before[STRUCT_MAX], *p = place(g, g->size);
            memcpy(p, &sizes[k], sizeof sizes[k]);
            memcpy(before, p, g->size);
            assert_refused(g, p, sizes[k]);
            assert_memory_equal(p, before, g->size);
        }
    }
}

/* A field that came to lie in what was padding would be read from bytes that an older program has
 * never written. */
static void no_struct_ended_in_padding(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(structs); i++)
        if (structs[i].first % structs[i].alignment != 0)
            fail_msg("%s ended in padding", structs[i].name);
}

/* A struct that is missing above would go untested. */
static void every_struct_is_here(void **state)
{
    (void)state;
    assert_int_equal(COUNT_OF(structs), GROWABLE);
}

static int open_all(void **state)
{
    parseal_options options;
    const parseal_seed seed = {.sign = 1};
    (void)state;
    fill_options(&options);
    return parseal_ctx_create(&ctx, &options) != PARSEAL_OK ||
           parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, data, 2, NULL) != PARSEAL_OK ||
           parseal_seeds_create(&seeds, ctx, &seed, 1) != PARSEAL_OK;
}

static int close_all(void **state)
{
    (void)state;
    parseal_seeds_destroy(seeds);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_between_releases),
        cmocka_unit_test(sizes_of_no_release),
        cmocka_unit_test(no_struct_ended_in_padding),
        cmocka_unit_test(every_struct_is_here),
    };
    return cmocka_run_group_tests_name("grown structs", tests, open_all, close_all);
}
