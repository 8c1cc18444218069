/* Reading and writing file descriptors to the end, whoever has set them non-blocking and whatever
 * signal comes between. */
#ifndef PARSEAL_HOST_CLI_FD_H
#define PARSEAL_HOST_CLI_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Opens for reading. Programs that are run from here do not get the descriptor. */
int fd_open_to_read(const char *path);

/* Reads until size bytes are there or the input ends. Returns their number, or -1 with errno
 * set. */
ssize_t fd_read_all(int fd, void *bytes, size_t size);

/* Writes all of it, or returns false with errno set. */
bool fd_write_all(int fd, const void *bytes, size_t size);

/* Puts all of the file on the disk. Returns false with errno set. */
bool fd_sync(int fd);

#endif
