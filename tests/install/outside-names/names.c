/* outside FILE: seals "hello" under a key of zeros, as a stream, into FILE. The
 * program, C or C++, has functions of its own whose names the library has inside too;
 * neither may replace the other's. */
#include <parseal/sealed.h>

#include <stdio.h>

static int calls;

#define OWN(name)                \
    int name(void *a, size_t b); \
    int name(void *a, size_t b)  \
    {                            \
        (void)a;                 \
        (void)b;                 \
        calls++;                 \
        return 7;                \
    }

#ifdef __cplusplus
extern "C" {
#endif
OWN(aes_encrypt_block)
OWN(chacha20_blocks)
OWN(check_pointer)
OWN(cpu_name)
OWN(cuda_launch)
OWN(dynlib_open)
OWN(gcm_portable)
OWN(gpu_free)
OWN(hkdf_sha256)
OWN(mask_portable)
OWN(threads_for)
OWN(wipe_stack)
#ifdef __cplusplus
}
#endif

static int write_file(const char *name, const uint8_t *bytes, size_t n)
{
    FILE *file = fopen(name, "wb");
    if (file == NULL)
        return 1;
    const size_t wrote = fwrite(bytes, 1, n, file);
    return fclose(file) != 0 || wrote != n;
}

int main(int argc, char **argv)
{
    const uint8_t key[32] = {0};
    uint8_t sealed[4096];
    size_t n = 0;
    parseal_ctx *ctx;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    if (argc != 2)
        return 2;
    if (parseal_ctx_create(&ctx, &options) != PARSEAL_OK ||
        parseal_sealed_seal(ctx, NULL, key, sizeof key, "hello", 5, sealed, sizeof sealed, &n) !=
            PARSEAL_OK) {
        fprintf(stderr, "%s\n", parseal_last_error_text());
        return 1;
    }
    parseal_ctx_destroy(ctx);
    if (calls != 0) {
        fprintf(stderr, "the library called the program's functions %d times\n", calls);
        return 1;
    }
    if (gpu_free(sealed, n) != 7 || hkdf_sha256(sealed, n) != 7 || calls != 2) {
        fputs("the program called functions of the library\n", stderr);
        return 1;
    }
    return write_file(argv[1], sealed, n);
}
