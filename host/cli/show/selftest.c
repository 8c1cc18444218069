/* parseal selftest checks the known answers of every implementation that is present. */

#include "host/cli/show/impls.h"

static const char usage[] =
    "usage: parseal selftest\n"
    "\n"
    "Computes known answers with every implementation that this machine can run: one line each,\n"
    "then how many passed and failed. Exit status 1 when one failed.\n"
    "\n"
    "  --help      this text\n";

int selftest_main(int argc, char **argv, cli_failure *failure)
{
    impl_list list;
    int code = impl_list_for_command(&list, argc, argv, usage, failure);
    if (code != CLI_OK || list.rows == NULL)
        return code;
    size_t passed = 0, failed = 0;
    for (size_t i = 0; i < list.n; i++) {
        const parseal_impl *impl = &list.rows[i];
        passed += impl->state == PARSEAL_IMPL_PASSED;
        failed += impl->state == PARSEAL_IMPL_FAILED;
        cli_print("%-9s  %-6s  %-8s  %s%s%s\n", impl_state_name(impl->state),
                  parseal_backend_name(impl->backend), impl_primitive_name(impl), impl->name,
                  impl->detail[0] != '\0' ? "  " : "", impl->detail);
    }
    cli_print("%zu passed, %zu failed, %zu not on this machine\n", passed, failed,
              list.n - passed - failed);
    impl_list_destroy(&list);
    if (failed != 0)
        return cli_fail(failure, CLI_FAILED, "%zu implementation%s failed the known answers",
                        failed, failed == 1 ? "" : "s");
    return CLI_OK;
}
