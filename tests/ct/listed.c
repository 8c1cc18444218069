/* Is each of the library's CPU implementations one of those that the command line names? They are
 * the ones whose secrets ctest has followed. */
#include <stdio.h>
#include <string.h>

#include "test.h"

static bool among(const char *name, char **names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

int main(int argc, char **argv)
{
    int missing = 0;
    for (size_t i = 0; argc > 0 && i < parseal_impl_count(); i++) {
        parseal_impl row = PARSEAL_IMPL_INIT;
        if (parseal_impl_test(i, &row) != PARSEAL_OK || row.backend != PARSEAL_BACKEND_CPU ||
            row.state == PARSEAL_IMPL_NOT_BUILT || among(row.name, argv + 1))
            continue;
        fprintf(stderr, "%s: no test follows secrets through it\n", row.name);
        missing = 1;
    }
    return missing;
}
