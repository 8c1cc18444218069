/* Tensors of DLPack in use: managed ones, calls on what has become of a tensor against the same
 * calls on what parseal_host_vec makes, and tensors that another dlpack.h describes. */
#include "parseal/dlpack.h"

#include <string.h>

#include "check.h"
#include "dlpack_before.h"
#include "fixture.h"
#include "rng.h"
#include "run.h"

static bool is_little_endian(void)
{
    const uint32_t x = 1;
    uint8_t first;
    memcpy(&first, &x, 1);
    return first == 1;
}

/* What a producer adds to the tensor. */
static void no_deleter(DLManagedTensorVersioned *self)
{
    (void)self;
    fail_msg("the caller's deleter was called");
}

static void versioned_taken(const DLManagedTensorVersioned *managed, int32_t access)
{
    const DLTensor *tensor = NULL;
    assert_ok_silently(parseal_dlpack_versioned("acc", managed, access, &tensor));
    assert_ptr_equal(tensor, &managed->dl_tensor);
}

static void versioned_refused(const DLManagedTensorVersioned *managed, int32_t access,
                              parseal_status want, const char *name)
{
    const DLTensor *const before = nowhere();
    const DLTensor *tensor = before;
    assert_error(parseal_dlpack_versioned("acc", managed, access, &tensor), want, name);
    assert_ptr_equal(tensor, before);
}

static void versions(void **state)
{
    (void)state;
    static const uint32_t minors[] = {0, 1, 2, 3, 4, UINT32_MAX}, majors[] = {0, 2, 3, UINT32_MAX};
    const DLTensor *tensor;
    DLManagedTensorVersioned m = {.version = {1, 3}, .deleter = no_deleter};
    for (int32_t access = PARSEAL_DLPACK_READ; access <= PARSEAL_DLPACK_WRITE; access++)
        for (size_t i = 0; i < COUNT_OF(minors); i++) {
            m.version = (DLPackVersion){1, minors[i]};
            versioned_taken(&m, access);
            for (size_t j = 0; j < COUNT_OF(majors); j++) {
                m.version.major = majors[j];
                versioned_refused(&m, access, PARSEAL_ERR_UNSUPPORTED, "acc.version");
            }
        }
    m.version = (DLPackVersion){2, 5};
    m.flags = UINT64_MAX; /* means who knows what */
    versioned_refused(&m, PARSEAL_DLPACK_WRITE, PARSEAL_ERR_UNSUPPORTED, "DLPack 2.5, 1 expected");
    m.version.major = 1;
    static const int32_t accesses[] = {-1, 2, 3, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(accesses); i++)
        versioned_refused(&m, accesses[i], PARSEAL_ERR_ARG, "access");
    versioned_refused(NULL, PARSEAL_DLPACK_READ, PARSEAL_ERR_ARG, "acc");
    assert_error(parseal_dlpack_versioned("acc", &m, 0, NULL), PARSEAL_ERR_ARG, "tensor");
    m.version.major = 0;
    assert_error(parseal_dlpack_versioned(NULL, &m, 0, &tensor), PARSEAL_ERR_UNSUPPORTED,
                 "tensor.version");
}

/* Bit 0: read-only; 1: a copy; 2: elements of less than a byte have one each. Others mean nothing
 * yet. */
static void flags(void **state)
{
    (void)state;
    static const uint64_t others[] = {0, 8, UINT64_C(1) << 63, UINT64_MAX - 7};
    static const uint8_t widths[] = {1, 2, 4, 6, 8, 16, 32};
    DLManagedTensorVersioned m = {.version = {1, 3}, .deleter = no_deleter};
    for (uint64_t low = 0; low < 8; low++)
        for (size_t i = 0; i < COUNT_OF(others); i++)
            for (size_t w = 0; w < COUNT_OF(widths); w++) {
                const bool is_padded = low >= 4 && widths[w] < 8;
                m.flags = low | others[i];
                m.dl_tensor.dtype = (DLDataType){kDLUInt, widths[w], 8};
                if (is_padded)
                    versioned_refused(&m, PARSEAL_DLPACK_READ, PARSEAL_ERR_UNSUPPORTED,
                                      "acc.flags");
                else
                    versioned_taken(&m, PARSEAL_DLPACK_READ);
                if (low % 2 == 1)
                    versioned_refused(&m, PARSEAL_DLPACK_WRITE, PARSEAL_ERR_ARG,
                                      "acc.flags: read-only");
                else if (is_padded)
                    versioned_refused(&m, PARSEAL_DLPACK_WRITE, PARSEAL_ERR_UNSUPPORTED, "padded");
                else
                    versioned_taken(&m, PARSEAL_DLPACK_WRITE);
            }
}

/* ------------------------------------------------------------------------------------- in calls */

enum { ROWS = 7, COLUMNS = 143, N = ROWS * COLUMNS, FIRST = 1234 };

/* One mask on the vector, one on what has become of the tensor. */
static void masks_are_equal(fixture *f, const DLTensor *tensor, uint32_t element_size, void *plain)
{
    const parseal_ring ring = {element_size == 4 ? UINT64_C(1) << 32 : 0, element_size, 0};
    const parseal_vec want = parseal_host_vec(plain, N, element_size);
    parseal_vec acc;
    assert_ok(parseal_dlpack_vec("acc", tensor, element_size, &acc));
    assert_int_equal(acc.n, N);
    assert_ok(parseal_mask_apply(f->seeds, &ring, &acc, FIRST, NULL));
    assert_ok(parseal_mask_apply(f->seeds, &ring, &want, FIRST, NULL));
}

static void masks(void **state)
{
    fixture *f = *state;
    static uint64_t memory[N + 8], plain[N + 8], before[N + 8];
    int64_t shape[3] = {ROWS, 1, COLUMNS}, strides[3] = {COLUMNS, -5, 1};
    rng r = rng_for("dlpack");
    if (!is_little_endian())
        return; /* `api.dlpack` has that it is refused */
    for (uint32_t size = 4; size <= 8; size += 4)
        for (uint8_t code = kDLInt; code <= kDLUInt; code++)
            for (uint64_t at = 0; at < 4 * (uint64_t)size; at += size) {
                const DLTensor tensor = {memory, {kDLCPU, 0}, 3, {code, (uint8_t)(8 * size), 1},
                                         shape,  strides,     at};
                const DLManagedTensor old = {.dl_tensor = tensor};
                const DLManagedTensorVersioned managed = {
                    .version = {1, 0}, .deleter = no_deleter, .dl_tensor = tensor};
                const DLTensor *got;
                rng_fill(&r, memory, sizeof memory);
                memcpy(plain, memory, sizeof plain);
                memcpy(before, memory, sizeof before);
                masks_are_equal(f, &old.dl_tensor, size, (uint8_t *)plain + at);
                assert_memory_not_equal(memory, before, sizeof memory);
                assert_bytes(memory, plain, sizeof memory); /* and nothing beside it */
                assert_ok(parseal_dlpack_versioned("acc", &managed, PARSEAL_DLPACK_WRITE, &got));
                masks_are_equal(f, got, size, (uint8_t *)plain + at);
                assert_bytes(memory, plain, sizeof memory);
            }
}

/* Floats of each type, in pinned memory, as far as the tensor says. */
static void floats(void **state)
{
    fixture *f = *state;
    static const DLDataType types[] = {{kDLFloat, 32, 1}, {kDLBfloat, 16, 1}, {kDLFloat, 16, 1}};
    static const int32_t float_types[] = {PARSEAL_FLOAT32, PARSEAL_BFLOAT16, PARSEAL_FLOAT16};
    static uint32_t memory[N], got[N], want[N];
    int64_t n = N;
    rng r = rng_for("dlpack floats");
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        const DLTensor tensor = {memory, {kDLCUDAHost, 0}, 1, types[i], &n, NULL, 0};
        parseal_quant quant = PARSEAL_QUANT_INIT;
        int32_t float_type;
        parseal_vec x, q = parseal_host_vec(got, N, 4);
        quant.clip = 1.0f;
        quant.rounding = PARSEAL_ROUND_NEAREST;
        rng_fill(&r, memory, sizeof memory);
        assert_ok(parseal_dlpack_floats("x", &tensor, &float_type, &x));
        quant.float_type = float_type;
        assert_ok(parseal_quantize(f->ctx, &quant, &x, &q, NULL, 0, NULL, NULL));
        x = parseal_host_vec(memory, N, types[i].bits / 8u);
        q = parseal_host_vec(want, N, 4);
        quant.float_type = float_types[i];
        assert_ok(parseal_quantize(f->ctx, &quant, &x, &q, NULL, 0, NULL, NULL));
        assert_bytes(got, want, sizeof got);
    }
}

/* Calls take what has no elements, with and without a place; a device's (device/buffers.c) only on
 * its backend. */
static void empty_tensors(void **state)
{
    fixture *f = *state;
    static const DLDeviceType types[] = {kDLCPU, kDLCUDAHost, kDLCUDA, kDLCUDAManaged, kDLOpenCL};
    const parseal_ring ring = {0, 8, 0};
    uint64_t element = 1;
    int64_t shape[2] = {0, 3}, strides[2] = {0, 0};
    for (size_t i = 0; i < COUNT_OF(types); i++)
        for (int with_data = 0; with_data < 2; with_data++) {
            const DLTensor tensor = {with_data ? &element : NULL,
                                     {types[i], 0},
                                     2,
                                     {kDLInt, 64, 1},
                                     shape,
                                     strides,
                                     UINT64_MAX};
            parseal_vec acc;
            assert_ok(parseal_dlpack_vec("acc", &tensor, 8, &acc));
            if (i >= 2) {
                assert_error(parseal_mask_apply(f->seeds, &ring, &acc, 0, NULL),
                             PARSEAL_ERR_UNSUPPORTED, "acc.kind");
                continue;
            }
            assert_ok(parseal_mask_apply(f->seeds, &ring, &acc, 0, NULL));
            assert_ok(parseal_vec_sum(f->ctx, &ring, &acc, &acc, 1, NULL));
            assert_ok(parseal_pack(f->ctx, 5, 8, &acc, &acc.buf, NULL));
        }
    assert_int_equal(element, 1);
}

/* Tensors that another dlpack.h describes. */
static void other_headers(void **state)
{
    (void)state;
    static uint32_t elements[5];
    parseal_status (*const takes[])(uint32_t *, int64_t, parseal_vec *) = {take_before_1_0,
                                                                           take_1_0};
    const parseal_vec want = parseal_host_vec(elements, COUNT_OF(elements), 4);
    parseal_vec vec;
    if (!is_little_endian())
        return;
    for (size_t i = 0; i < COUNT_OF(takes); i++) {
        memset(&vec, UNTOUCHED, sizeof vec);
        assert_ok(takes[i](elements, COUNT_OF(elements), &vec));
        assert_memory_equal(&vec, &want, sizeof vec);
        assert_error(takes[i](elements, -1, &vec), PARSEAL_ERR_ARG, "acc.shape");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions), cmocka_unit_test(flags),     WITH_FIXTURE(masks),
        WITH_FIXTURE(floats),       WITH_FIXTURE(empty_tensors), cmocka_unit_test(other_headers),
    };
    return RUN_SUITE("tensors of DLPack in use", tests);
}
