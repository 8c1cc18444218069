/* A static program: it gets the CPU and the reason, and whoever asks for a GPU an
 * error that says the same. */
#include <parseal/parseal.h>

#include <stdio.h>
#include <string.h>

static const char why[] = "a static program can load no libraries";

static int refused(int32_t backend)
{
    parseal_ctx *ctx = NULL;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    const parseal_status status = parseal_ctx_create(&ctx, &options);
    const char *text = parseal_last_error_text();
    printf("%s: %s: %s\n", parseal_backend_name(backend), parseal_status_name(status), text);
    return status == PARSEAL_ERR_NO_DEVICE &&
           (strstr(text, why) != NULL || strstr(text, "this build has no") != NULL);
}

int main(void)
{
    parseal_ctx *ctx = NULL;
    parseal_info info = PARSEAL_INFO_INIT;
    if (parseal_ctx_create(&ctx, NULL) != PARSEAL_OK ||
        parseal_ctx_info(ctx, &info) != PARSEAL_OK) {
        fprintf(stderr, "%s\n", parseal_last_error_text());
        return 1;
    }
    parseal_ctx_destroy(ctx);
    puts(info.reason);
    if (info.backend != PARSEAL_BACKEND_CPU)
        return 1;
    if (strstr(info.reason, why) == NULL && strstr(info.reason, "this build has no") == NULL)
        return 1;
    return refused(PARSEAL_BACKEND_CUDA) && refused(PARSEAL_BACKEND_OPENCL) ? 0 : 1;
}
