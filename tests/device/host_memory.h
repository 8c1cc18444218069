/* Host memory for what calls are given: ordinary, or pinned by the CUDA driver as a caller would.
 */
#ifndef PARSEAL_TESTS_HOST_MEMORY_H
#define PARSEAL_TESTS_HOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* From now on memory is pinned. False where there is no CUDA device to pin it for. */
bool host_memory_pin(void);
void host_memory_unpin(void);

/* Fails the test where there is none. */
void *host_memory(size_t size);
void host_memory_free(void *p);

#endif
