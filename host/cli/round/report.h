/* The results of `parseal round`, for people and as JSON. */
#ifndef PARSEAL_HOST_CLI_ROUND_REPORT_H
#define PARSEAL_HOST_CLI_ROUND_REPORT_H

#include <jansson.h>

#include "host/cli/round/checker.h"
#include "host/cli/round/fl_round.h"

typedef struct {
    const round_options *options;
    const fl_round *round;
    verdict verdict;
    double wall_seconds; /* from start to end, with loading and checking */
    uint64_t peak_bytes; /* the process's largest resident memory */
} round_report;

void report_print(const round_report *report);

/* Returns NULL when memory is short. */
json_t *report_json(const round_report *report);

/* The bytes of a modulus in decimal, as 2^64 does not fit a JSON integer. */
enum { REPORT_MODULUS_MAX = 24 };
void report_modulus(uint64_t modulus, char text[REPORT_MODULUS_MAX]);

#endif
