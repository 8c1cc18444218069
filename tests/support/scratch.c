#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

bool scratch_make(char *path, size_t size)
{
    const char *base = getenv("TMPDIR");
    const int n = snprintf(path, size, "%s/parseal-test-XXXXXX", base != NULL ? base : "/tmp");
    return n > 0 && (size_t)n < size && mkdtemp(path) != NULL;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

bool scratch_remove(const char *path)
{
    return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0;
}
