#include "host/cli/buffer.h"

#include <sodium.h>
#include <stdlib.h>

int cli_buffer_create(cli_buffer *buffer, uint64_t n, size_t each, const char *what,
                      cli_failure *failure)
{
    buffer->p = NULL;
    buffer->size = 0;
    const size_t size = n <= SIZE_MAX / each ? (size_t)n * each : SIZE_MAX;
    if (size == SIZE_MAX || posix_memalign(&buffer->p, 64, size != 0 ? size : 1) != 0) {
        buffer->p = NULL;
        return cli_fail(failure, CLI_FAILED, "not enough memory for %s (%llu * %zu bytes)", what,
                        (unsigned long long)n, each);
    }
    buffer->size = size;
    return CLI_OK;
}

void cli_buffer_destroy(cli_buffer *buffer)
{
    if (buffer->p != NULL)
        sodium_memzero(buffer->p, buffer->size);
    free(buffer->p);
    buffer->p = NULL;
    buffer->size = 0;
}

/* The room is always a power of two, so that n tells whether it is used up. */
void *cli_list_grown(void *list, size_t n, size_t each)
{
    if ((n & (n - 1)) != 0)
        return list;
    const size_t room = n != 0 ? 2 * n : 1;
    return room <= SIZE_MAX / each ? realloc(list, room * each) : NULL;
}
