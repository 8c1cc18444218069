/* Preparing a process before it holds keys and plaintexts. */
#ifndef PARSEAL_HOST_CLI_PROCESS_H
#define PARSEAL_HOST_CLI_PROCESS_H

#include <stdbool.h>

/* Must be the first call in main. It forbids core dumps of this process. Where the caller has
 * closed the numbers 0, 1 and 2, it opens them so that they can be neither read nor written: no
 * file that is opened later is then taken for a standard stream. Returns false where that fails. */
bool process_begin(void);

/* Return true when the caller has given this process the file descriptor open for reading, or for
 * writing. */
bool process_can_read(int fd);
bool process_can_write(int fd);

#endif
