/* Wiping the copies of secrets that compilers leave behind. */
#ifndef PARSEAL_HOST_SUPPORT_WIPE_H
#define PARSEAL_HOST_SUPPORT_WIPE_H

#include <stddef.h>

/* wipe_stack zeroes the registers that calls may change, and the stack below the caller's frame,
 * where functions that have returned kept spilled registers: round keys, powers of H, key words of
 * a seed, keystream.
 *
 * To be called by every function that has called something with a secret and is about to return to
 * code that has none, on the thread that did the work. It reaches WIPE_STACK bytes, which is deeper
 * than ciphers and hashes go. On a short message that takes longer than the cipher does: where
 * there are functions for one message (aead_impl.seal_one and open_one), these reach WIPE_ONE bytes
 * at most. Masks keep vectors of keystream in their frames and go deeper, up to WIPE_MASK, or
 * WIPE_MASK_RETRY where candidates may be thrown away. (tests/hygiene/left_behind.c holds all of
 * them.) A function whose own frame holds an array of that size must call it itself, since what
 * lies below the array is out of its callers' reach. */
enum { WIPE_ONE = 2304, WIPE_STACK = 8 * 1024, WIPE_MASK = 14 * 1024, WIPE_MASK_RETRY = 44 * 1024 };

void wipe_stack(void);
void wipe_stack_to(size_t depth);

#endif
