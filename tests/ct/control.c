/* This does what constant-time code must not do, so that a report which never comes is noticed:
 * memcheck.sh expects one for each. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "secret.h"

/* Stops at the first byte that differs. */
static __attribute__((noinline)) int leaky_branch(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return 1;
    return 0;
}

/* Looks a byte up in a table. */
static __attribute__((noinline)) int leaky_address(const uint8_t table[256], uint8_t index)
{
    return table[index];
}

int main(int argc, char **argv)
{
    uint8_t table[256] = {0}, secret[16] = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: %s branch|address\n", argv[0]);
        return 2;
    }
    if (!secrets_are_followed()) {
        printf("skipped: not run by Valgrind, or built without its header\n");
        return 77;
    }
    make_secret(secret, sizeof secret);
    int result = strcmp(argv[1], "branch") == 0 ? leaky_branch(table, secret, sizeof secret)
                                                : leaky_address(table, secret[0]);
    make_public(&result, sizeof result);
    printf("%d\n", result);
    return 0;
}
