#include "host/cli/show/impls.h"

#include <stdio.h>
#include <stdlib.h>

#include "host/cli/args.h"
#include "host/cli/progress.h"

/* Says what may take long, before it begins. */
static void say_which(const progress *p, size_t i, size_t n)
{
    char text[128];
    snprintf(text, sizeof text,
             "testing %zu of %zu; the first time, OpenCL compiles its kernels, which takes long",
             i + 1, n);
    progress_say(p, text);
}

int impl_list_create(impl_list *list, cli_failure *failure)
{
    progress p;
    progress_begin(&p, 0);
    progress_say(&p, "looking for devices");
    size_t n = parseal_impl_count();
    list->rows = calloc(n != 0 ? n : 1, sizeof *list->rows);
    list->n = n;
    if (list->rows == NULL) {
        progress_end(&p);
        return cli_fail(failure, CLI_FAILED, "not enough memory for %zu implementations", n);
    }
    for (size_t i = 0; i < n; i++) {
        const parseal_impl init = PARSEAL_IMPL_INIT;
        list->rows[i] = init;
        say_which(&p, i, n);
        parseal_status status = parseal_impl_test(i, &list->rows[i]);
        if (status != PARSEAL_OK) {
            progress_end(&p);
            impl_list_destroy(list);
            return cli_fail_library(failure, "self-test", status);
        }
    }
    progress_end(&p);
    return CLI_OK;
}

int impl_list_for_command(impl_list *list, int argc, char **argv, const char *usage,
                          cli_failure *failure)
{
    bool help;
    int code = args_help_only(argc, argv, usage, &help, failure);
    list->rows = NULL;
    list->n = 0;
    return code != CLI_OK || help ? code : impl_list_create(list, failure);
}

void impl_list_destroy(impl_list *list)
{
    free(list->rows);
    list->rows = NULL;
    list->n = 0;
}

const char *impl_state_name(int32_t state)
{
    switch (state) {
    case PARSEAL_IMPL_FAILED:
        return "FAILED";
    case PARSEAL_IMPL_NOT_BUILT:
        return "not built";
    case PARSEAL_IMPL_ABSENT:
        return "absent";
    case PARSEAL_IMPL_PASSED:
        return "passed";
    default:
        return "unknown";
    }
}

const char *impl_primitive_name(const parseal_impl *impl)
{
    return impl->primitive < 0 ? "-" : parseal_primitive_name(impl->primitive);
}
