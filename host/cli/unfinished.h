/* A file that gets its name only when it is complete. Until then it has no name, where the system
 * has such files, and otherwise one of these beside the file it is to become:
 *
 *     NAME.parseal-HASH-N
 *
 * with at most 100 bytes of its name, the first 16 digits of BLAKE2b-128 of it, and N below 16.
 * A run keeps a lock (flock) on its file. A file without a lock has been left by a run that was
 * killed, and the next run for the same name removes it. */
#ifndef PARSEAL_HOST_CLI_UNFINISHED_H
#define PARSEAL_HOST_CLI_UNFINISHED_H

#include <stdbool.h>
#include <sys/types.h>

enum { UNFINISHED_NAME_SIZE = 128 };

typedef struct {
    int fd;                            /* the file, for writing */
    int dir;                           /* the folder */
    char *name;                        /* the later name in the folder */
    char beside[UNFINISHED_NAME_SIZE]; /* "": it has no name yet */
} unfinished;

/* Begins a file that will be `path`. Only one at a time may be under way. False with errno set: no
 * file was made, and unfinished_end is not needed. */
bool unfinished_begin(unfinished *u, const char *path, mode_t mode);

/* Puts all of the file on the disk, then gives it its name, where it replaces an older file. False
 * with errno set: the older file is still there. */
bool unfinished_publish(unfinished *u);

/* Puts the name on the disk, too. Returns true where the file system cannot say. */
bool unfinished_sync_name(const unfinished *u);

/* Closes the file, and removes it unless it was published. */
void unfinished_end(unfinished *u);

#endif
