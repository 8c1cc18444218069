#include "bench/cpu/support.h"
#include "bench/device/operation.h"

#include <stdio.h>
#include <string.h>

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define MB  UINT64_C(1000000)

#define PRIME32 UINT64_C(4294967291)
#define PRIME64 UINT64_C(18446744073709551557)

#define POW32                   \
    {                           \
        UINT64_C(1) << 32, 4, 0 \
    }

/* The copies come first, as other rows are held against them. */
const struct device_operation device_operations[] = {
    {"copy.device", "bytes read and written", &kind_device_copy, .bound = BOUND_MEMORY,
     .size = 2 * GIB, .n = 1},
    {"copy.host-to-device", "bytes copied", &kind_upload, .bound = BOUND_NONE, .size = GIB, .n = 1},
    {"copy.device-to-host", "bytes copied", &kind_download, .bound = BOUND_NONE, .size = GIB,
     .n = 1},
    {"copy.both-ways", "bytes copied, both ways", &kind_both_ways, .bound = BOUND_BOTH_LINKS,
     .size = GIB, .n = 1},
    {"aes256ctr", "plaintext", &kind_aead, .bound = BOUND_AES256_CTR, .kernel = "aead_crypt",
     .ghash = "integer", .size = 40 * MB, .n = 100, .alg = PARSEAL_AES256GCM},
    {"aes128ctr", "plaintext", &kind_aead, .bound = BOUND_AES128_CTR, .kernel = "aead_crypt",
     .ghash = "integer", .size = 40 * MB, .n = 100, .alg = PARSEAL_AES128GCM},
    {"ghash.clmad", "aad", &kind_aead, .bound = BOUND_GHASH_CLMAD, .kernel = "aead_hash_clmad",
     .ghash = "clmad", .size = 40 * MB, .n = 100, .alg = PARSEAL_AES256GCM, .aad_only = true},
    {"ghash.mma", "aad", &kind_aead, .bound = BOUND_GHASH_MMA, .kernel = "aead_hash_mma",
     .ghash = "mma", .size = 40 * MB, .n = 100, .alg = PARSEAL_AES256GCM, .aad_only = true},
    {"ghash.integer", "aad", &kind_aead, .bound = BOUND_GHASH_INTEGER, .kernel = "aead_hash",
     .ghash = "integer", .size = 64 * KIB, .n = 65536, .alg = PARSEAL_AES256GCM, .aad_only = true},
    {"seal.aes256gcm.40MB", "plaintext", &kind_aead, .bound = BOUND_AES256_SEAL_LONG,
     .size = 40 * MB, .n = 100, .alg = PARSEAL_AES256GCM},
    {"open.aes256gcm.40MB", "plaintext", &kind_aead, .bound = BOUND_AES256_OPEN_LONG,
     .size = 40 * MB, .n = 100, .alg = PARSEAL_AES256GCM, .inverse = true},
    {"seal.aes256gcm.40MB.unaligned", "plaintext", &kind_aead, .bound = BOUND_AES256_SEAL_LONG,
     .size = 40 * MB, .n = 100, .shift = 1, .alg = PARSEAL_AES256GCM},
    {"open.aes256gcm.40MB.unaligned", "plaintext", &kind_aead, .bound = BOUND_AES256_OPEN_LONG,
     .size = 40 * MB, .n = 100, .shift = 1, .alg = PARSEAL_AES256GCM, .inverse = true},
    {"seal.aes256gcm.1MB", "plaintext", &kind_aead, .bound = BOUND_AES256_SEAL_LONG, .size = MB,
     .n = 4000, .alg = PARSEAL_AES256GCM},
    {"open.aes256gcm.1MB", "plaintext", &kind_aead, .bound = BOUND_AES256_OPEN_LONG, .size = MB,
     .n = 4000, .alg = PARSEAL_AES256GCM, .inverse = true},
    {"seal.aes128gcm.40MB", "plaintext", &kind_aead, .bound = BOUND_AES128_SEAL_LONG,
     .size = 40 * MB, .n = 100, .alg = PARSEAL_AES128GCM},
    {"seal.aes256gcm.4KiB.keys", "plaintext", &kind_aead, .bound = BOUND_AES256_SEAL_SHORT,
     .size = 4 * KIB, .n = 100000, .alg = PARSEAL_AES256GCM, .key_each = true},
    {"open.aes256gcm.4KiB.keys", "plaintext", &kind_aead, .bound = BOUND_AES256_OPEN_SHORT,
     .size = 4 * KIB, .n = 100000, .alg = PARSEAL_AES256GCM, .key_each = true, .inverse = true},
    {"mask.write", "keystream", &kind_vectors, .vector = &call_mask_write, .bound = BOUND_CHACHA20,
     .size = 4 * GIB, .n = 1, .ring = POW32},
    {"mask.add.100", "keystream, seeds times vector", &kind_vectors, .vector = &call_mask_add,
     .bound = BOUND_CHACHA20, .size = 256 * MIB, .n = 100, .ring = POW32},
    {"mask.add.100.prime", "keystream, seeds times vector", &kind_vectors, .vector = &call_mask_add,
     .bound = BOUND_CHACHA20_PRIME, .size = 256 * MIB, .n = 100, .ring = {PRIME32, 4, 0}},
    {"vec.sum.u32.pow2", "bytes read and written", &kind_vectors, .vector = &call_sum,
     .bound = BOUND_COPY, .size = 256 * MIB, .n = 16, .ring = POW32},
    {"vec.sum.u32.prime", "bytes read and written", &kind_vectors, .vector = &call_sum,
     .bound = BOUND_COPY, .size = 256 * MIB, .n = 16, .ring = {PRIME32, 4, 0}},
    {"vec.sum.u64.pow2", "bytes read and written", &kind_vectors, .vector = &call_sum,
     .bound = BOUND_COPY, .size = 256 * MIB, .n = 16, .ring = {0, 8, 0}},
    {"vec.sum.u64.prime", "bytes read and written", &kind_vectors, .vector = &call_sum,
     .bound = BOUND_COPY, .size = 256 * MIB, .n = 16, .ring = {PRIME64, 8, 0}},
    {"quantize", "bytes read and written", &kind_vectors, .vector = &call_quantize,
     .bound = BOUND_QUANTIZE, .size = GIB, .n = 1},
    {"dequantize", "bytes read and written", &kind_vectors, .vector = &call_dequantize,
     .bound = BOUND_COPY, .size = GIB, .n = 1},
    {"pack", "bytes read and written", &kind_vectors, .vector = &call_pack, .bound = BOUND_COPY,
     .size = GIB, .n = 1},
    {"unpack", "bytes read and written", &kind_vectors, .vector = &call_unpack, .bound = BOUND_COPY,
     .size = GIB, .n = 1},
    {"host.seal.pinned.64MB", "plaintext", &kind_host_aead, .bound = BOUND_LINK, .size = 64 * MB,
     .n = 62, .alg = PARSEAL_AES256GCM, .pinned = true},
    {"host.seal.pinned.40MB", "plaintext", &kind_host_aead, .bound = BOUND_LINK, .size = 40 * MB,
     .n = 100, .alg = PARSEAL_AES256GCM, .pinned = true},
    {"host.open.pinned.40MB", "plaintext", &kind_host_aead, .bound = BOUND_LINK, .size = 40 * MB,
     .n = 100, .alg = PARSEAL_AES256GCM, .pinned = true, .inverse = true},
    {"host.seal.unpinned.40MB", "plaintext", &kind_host_aead, .bound = BOUND_LINK, .size = 40 * MB,
     .n = 100, .alg = PARSEAL_AES256GCM},
};

const size_t n_device_operations = sizeof device_operations / sizeof device_operations[0];

enum { VECTOR_UNIT = 4096 };

/* Makes messages fewer before it makes them shorter, as the length decides on the kernels. Vectors
 * stay multiples of VECTOR_UNIT; the number of seeds and inputs stays the row's. */
static void shrink(struct device_work *w, uint64_t divisor)
{
    const bool vectors = w->op->kind == &kind_vectors;
    const uint64_t fewer = vectors ? 1 : divisor < w->n ? divisor : w->n;
    w->n /= fewer;
    w->size = w->size * fewer / divisor;
    if (w->size < VECTOR_UNIT)
        w->size = VECTOR_UNIT;
    if (w->op->alg == 0)
        w->size = w->size / VECTOR_UNIT * VECTOR_UNIT;
}

void settle_operation(struct device_work *w)
{
    const uint64_t room = device_memory_free(w->side->device) / 8 * 7;
    w->size = w->op->size;
    w->n = w->op->n;
    if (w->side->divisor > 1)
        shrink(w, w->side->divisor);
    while (w->op->kind->footprint(w) > room && w->n * w->size > VECTOR_UNIT)
        shrink(w, 2);
}

bool same_bytes(const struct device_work *w, const char *what, const void *from_device,
                const void *from_cpu, uint64_t size)
{
    const uint8_t *a = from_device, *b = from_cpu;
    uint64_t at = 0;
    if (memcmp(a, b, (size_t)size) == 0)
        return true;
    while (a[at] == b[at])
        at++;
    complain("%s: WRONG RESULT: byte %llu of %llu of a sample's %s is %02x on the GPU, %02x on the "
             "CPU",
             w->op->name, (unsigned long long)at, (unsigned long long)size, what, a[at], b[at]);
    return false;
}

static const char *decimal_size(char *text, size_t text_size, uint64_t bytes)
{
    const char *unit = bytes >= 1000 * MB ? "GB" : bytes >= MB ? "MB" : "kB";
    const double scale = bytes >= 1000 * MB ? 1e9 : bytes >= MB ? 1e6 : 1e3;
    snprintf(text, text_size, "%.4g %s", (double)bytes / scale, unit);
    return text;
}

const char *describe_shape(const struct device_work *w, char *text, size_t size)
{
    char bytes[32];
    decimal_size(bytes, sizeof bytes, w->size);
    if (w->n == 1)
        snprintf(text, size, "%s", bytes);
    else
        snprintf(text, size, "%llu x %s", (unsigned long long)w->n, bytes);
    return text;
}
