/* A device without subnormal numbers, as some of OpenCL's are, refuses clips below 2^-100. */
#ifndef PARSEAL_TESTS_SMALL_CLIP_H
#define PARSEAL_TESTS_SMALL_CLIP_H

#include "test.h"

/* What parseal_quantize answered for this clip, for the backend under test: true where it has
 * quantised. False is the documented refusal, which must come for every clip below 2^-100 or for
 * none, and for all of them where PARSEAL_TEST_NO_SUBNORMALS says that the device is such a one.
 * Any other answer fails the test. */
bool quantized(parseal_status status, float clip);

#endif
