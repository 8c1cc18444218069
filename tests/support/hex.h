/* Test vectors in hexadecimal digits. */
#ifndef PARSEAL_TESTS_HEX_H
#define PARSEAL_TESTS_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Decodes `text` into out, which holds max bytes, and returns how many bytes it is. Fails the test
 * where text is not hexadecimal or does not fit. */
size_t hex_decode(const char *text, uint8_t *out, size_t max);

#endif
