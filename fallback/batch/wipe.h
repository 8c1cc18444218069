/* Wiping what compilers leave behind. */
#ifndef PARSEAL_FALLBACK_BATCH_WIPE_H
#define PARSEAL_FALLBACK_BATCH_WIPE_H

/* Zeroes the stack below the caller's frame, where a function that has returned kept spilled
 * registers: round keys, key words of a seed, keystream. Far enough for any implementation that
 * does not wipe its own arrays. */
void wipe_stack(void);

#endif
