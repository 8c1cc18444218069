/* Wiping what compilers leave behind. */
#ifndef PARSEAL_HOST_SUPPORT_WIPE_H
#define PARSEAL_HOST_SUPPORT_WIPE_H

/* Zeroes the registers that calls may change, and the stack below the caller's frame, where
 * functions that have returned kept spilled registers: round keys, powers of H, key words of a
 * seed, keystream.
 *
 * To be called by every function that has called something with a secret and is about to return to
 * code that has none, on the thread that did the work. It reaches WIPE_STACK bytes, which is deeper
 * than any implementation goes (tests/hygiene/left_behind.c). A function whose own frame holds an
 * array larger than that must call it itself, since what lies below the array is out of its
 * callers' reach. */
enum { WIPE_STACK = 12 * 1024 };

void wipe_stack(void);

#endif
