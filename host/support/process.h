/* What belongs to the process and to no context: one lock, libsodium's initialisation, and fork.
 *
 * A child of fork has only the thread that forked, and a lock that another thread of the parent
 * held at that moment would stay locked in it for ever. Whatever threads of a process share is
 * therefore guarded by the lock here, which fork takes before it copies the process and gives back
 * on both sides, or by the pool's (host/support/pool.h), for which the same is done. */
#ifndef PARSEAL_HOST_SUPPORT_PROCESS_H
#define PARSEAL_HOST_SUPPORT_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* Makes the process ready for everything else here, once; each entry point of the API that needs
 * libsodium, a lock or threads asks first. Returns false where memory for the handlers of fork is
 * short or libsodium could not be initialised. May be called from any thread at any time. */
bool process_ready(void);

/* The lock is for short work that happens seldom, such as handing out guarded memory or
 * remembering a self-test. It is not recursive, and nothing that may wait is called under it. */
void process_lock(void);
void process_unlock(void);

/* Returns how many forks lie between the process that loaded the library and this one. What was
 * made at another count belongs to an ancestor: a GPU's driver does not work on in a child. */
uint64_t process_generation(void);

#endif
