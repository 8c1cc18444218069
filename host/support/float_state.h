/* The floating-point state that results are computed in. */
#ifndef PARSEAL_HOST_SUPPORT_FLOAT_STATE_H
#define PARSEAL_HOST_SUPPORT_FLOAT_STATE_H

/* The formats round to nearest, keep subnormals and never trap, whatever the caller's rounding
 * direction, flush-to-zero mode and traps are. Each function that computes in floating point, on
 * each thread that does, calls float_state_set first and float_state_restore last, which brings
 * back the thread's state, raised flags included. Both are calls into another file, and operands
 * are read from memory between them: compilers do not move the arithmetic past them. */
#if defined(__x86_64__)
#include <stdint.h>
typedef struct {
    uint32_t mxcsr;       /* SSE's, for floats and doubles */
    uint16_t x87_control; /* x87's, from which printf takes the rounding direction */
} float_state;
#elif defined(__aarch64__)
#include <stdint.h>
typedef struct {
    uint64_t control, status;
} float_state;
#else
#include <fenv.h>
typedef struct {
    fenv_t environment;
} float_state;
#endif

/* Sets the default state, and returns the one before. */
float_state float_state_set(void);
void float_state_restore(const float_state *before);

#endif
