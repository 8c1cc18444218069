/* What a process must be like before it holds keys and plaintexts. */
#ifndef PARSEAL_HOST_CLI_PROCESS_H
#define PARSEAL_HOST_CLI_PROCESS_H

#include <stdbool.h>

/* Call first of all in main. No core of this process is dumped. The numbers 0, 1 and 2, where the
 * caller has closed them, are taken by something that can be neither read nor written, so that no
 * file that is opened later is taken for a standard stream. False: not possible. */
bool process_begin(void);

/* Whether the caller has given this process the file descriptor, open for reading, or writing. */
bool process_can_read(int fd);
bool process_can_write(int fd);

#endif
