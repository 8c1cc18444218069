/* What an outside program does first: seal a message, which comes as a tensor, open it again, print
 * the version. */
#include <parseal/dlpack.h>
#include <parseal/parseal.h>

#include <stdio.h>
#include <string.h>

static int failed(const char *what, parseal_status status)
{
    fprintf(stderr, "%s: %s: %s\n", what, parseal_status_name(status), parseal_last_error_text());
    return 1;
}

static int there_and_back(const parseal_keys *keys)
{
    static char text[] = "an update nobody else may read";
    int64_t shape[1] = {sizeof text};
    const DLTensor tensor = {text, {kDLCPU, 0}, 1, {kDLInt, 8, 1}, shape, NULL, 0};
    char sealed[sizeof text], opened[sizeof text];
    parseal_buf in;
    parseal_status status = parseal_dlpack_buf("in", &tensor, &in);
    if (status != PARSEAL_OK)
        return failed("parseal_dlpack_buf", status);
    parseal_msg msg = {.in = (const void *)in.handle, .out = sealed, .len = in.size, .nonce = {1}};
    status = parseal_seal(keys, &msg, 1);
    if (status != PARSEAL_OK)
        return failed("parseal_seal", status);
    msg.in = sealed;
    msg.out = opened;
    status = parseal_open(keys, &msg, 1, NULL);
    if (status != PARSEAL_OK)
        return failed("parseal_open", status);
    if (memcmp(sealed, text, sizeof text) == 0 || memcmp(opened, text, sizeof text) != 0) {
        fputs("what was opened is not what was sealed\n", stderr);
        return 1;
    }
    return 0;
}

int main(void)
{
    const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {7};
    parseal_ctx *ctx = NULL;
    parseal_keys *keys = NULL;
    parseal_status status = parseal_ctx_create(&ctx, NULL);
    if (status != PARSEAL_OK)
        return failed("parseal_ctx_create", status);
    status = parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL);
    int result =
        status == PARSEAL_OK ? there_and_back(keys) : failed("parseal_keys_create", status);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
    if (result == 0)
        printf("parseal %s\n", parseal_version());
    return result;
}
