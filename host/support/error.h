/* The text of the last error, put aside: trying something that may fail must not replace the text
 * of an error that the caller has yet to read. */
#ifndef PARSEAL_HOST_SUPPORT_ERROR_H
#define PARSEAL_HOST_SUPPORT_ERROR_H

typedef struct {
    char text[512];
} parseal_error;

parseal_error parseal_error_save(void);
void parseal_error_restore(const parseal_error *error);

#endif
