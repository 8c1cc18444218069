/* Files without a name: what becomes of a process that is killed leaves nothing of them. */
#ifndef PARSEAL_HOST_CLI_UNNAMED_H
#define PARSEAL_HOST_CLI_UNNAMED_H

#include <stdbool.h>

/* A new file on the file system of the folder `dir`, to be read and written by its owner alone.
 * -1 with errno set, also where the system or the file system has no such files. */
int unnamed_create(int dir);

/* Gives it a name that must not be taken: false with errno EEXIST if it is, and with another where
 * it cannot be named at all. */
bool unnamed_link(int fd, int dir, const char *name);

#endif
