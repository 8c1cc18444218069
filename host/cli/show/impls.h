/* The library's list of implementations, each one self-tested. */
#ifndef PARSEAL_HOST_CLI_SHOW_IMPLS_H
#define PARSEAL_HOST_CLI_SHOW_IMPLS_H

#include <stddef.h>

#include "host/cli/cli.h"

typedef struct {
    parseal_impl *rows;
    size_t n;
} impl_list;

int impl_list_create(impl_list *list, cli_failure *failure);

/* Does the same for a command whose only option is --help, which prints `usage` and leaves
 * list->rows NULL. */
int impl_list_for_command(impl_list *list, int argc, char **argv, const char *usage,
                          cli_failure *failure);

void impl_list_destroy(impl_list *list);

/* Returns "passed", "FAILED", "absent" or "not built". */
const char *impl_state_name(int32_t state);

/* Returns the primitive's name, or "-" where the row stands for a whole backend. */
const char *impl_primitive_name(const parseal_impl *impl);

#endif
