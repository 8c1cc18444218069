/* Arrays of the size of a model. They hold secrets, so they are wiped before they are freed. */
#ifndef PARSEAL_HOST_CLI_BUFFER_H
#define PARSEAL_HOST_CLI_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "host/cli/cli.h"

typedef struct {
    void *p;
    size_t size;
} cli_buffer;

/* Makes n items of `each` bytes, aligned to 64, not initialised. `what` is named in the message. */
int cli_buffer_create(cli_buffer *buffer, uint64_t n, size_t each, const char *what,
                      cli_failure *failure);
void cli_buffer_destroy(cli_buffer *buffer);

/* Makes room for one more item in a list of n items, and returns the list, which may have moved.
 * NULL: memory was short, and the list is unchanged. Lists hold no secrets and are freed with
 * free. */
void *cli_list_grown(void *list, size_t n, size_t each);

#endif
