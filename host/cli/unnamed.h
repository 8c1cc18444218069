/* Files without a name, which vanish with a process that is killed. */
#ifndef PARSEAL_HOST_CLI_UNNAMED_H
#define PARSEAL_HOST_CLI_UNNAMED_H

#include <stdbool.h>

/* Creates a file on the file system of the folder `dir`, which only its owner may read and write.
 * Returns -1 with errno set, also where the system or the file system has no such files. */
int unnamed_create(int dir);

/* Gives it a name. Returns false with errno EEXIST where the name is taken, and with another errno
 * where the file cannot be named at all. */
bool unnamed_link(int fd, int dir, const char *name);

#endif
