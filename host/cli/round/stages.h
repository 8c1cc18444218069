/* Time and bytes of each stage of a round. */
#ifndef PARSEAL_HOST_CLI_ROUND_STAGES_H
#define PARSEAL_HOST_CLI_ROUND_STAGES_H

#include <parseal/parseal.h>
#include <stdbool.h>

typedef enum {
    STAGE_SHARE,
    STAGE_AGREE,
    STAGE_UPDATE,
    STAGE_QUANTISE,
    STAGE_MASK,
    STAGE_PACK,
    STAGE_SEAL,
    STAGE_ADD, /* opens, unpacks and sums in one go */
    STAGE_RECONSTRUCT,
    STAGE_RECOVER,
    STAGE_UNMASK,
    STAGE_DEQUANTISE,
    STAGES
} stage_id;

typedef struct {
    const char *side; /* "client" or "server" */
    const char *name;
    const char *bytes; /* says which bytes are counted; "" where none are */
} stage_label;

extern const stage_label stage_labels[STAGES];

typedef struct {
    double seconds[STAGES];
    uint64_t bytes[STAGES];
    double began;
    const parseal_ctx *device; /* a context that keeps kernel_seconds, or NULL */
    double kernel_seconds[STAGES], kernels_before;
} stages;

/* Measure one stage at a time: the time between begin and end is added to the stage. */
void stage_begin(stages *s);
void stage_end(stages *s, stage_id id, uint64_t bytes);

double stages_seconds(const stages *s);

/* Returns 10^9 bytes per second, or 0 where no bytes were counted or no time was seen to pass. */
double stage_rate(const stages *s, stage_id id);

#endif
