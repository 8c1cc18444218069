/* A bar or a line on standard error while work goes on: only on a terminal. */
#ifndef PARSEAL_HOST_CLI_PROGRESS_H
#define PARSEAL_HOST_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool shown;
    uint64_t total, done;
    double began_at, drawn_at;
} progress;

void progress_begin(progress *p, uint64_t total);
void progress_add(progress *p, const char *doing, uint64_t done);

/* Replaces the line by a text, which should fit a terminal's line. */
void progress_say(const progress *p, const char *text);

/* Begins a bar that counts bytes and also shows GB/s. total 0: not known. */
void progress_begin_bytes(progress *p, uint64_t total);
void progress_add_bytes(progress *p, uint64_t done);

void progress_end(progress *p); /* clears the line; harmless when nothing was shown */

#endif
