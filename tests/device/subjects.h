/* Every kind of object that work on a caller's stream may use, with such work, for the tests that
 * destroy them. */
#ifndef PARSEAL_TESTS_SUBJECTS_H
#define PARSEAL_TESTS_SUBJECTS_H

#include <parseal/parseal.h>

#include <stdbool.h>
#include <stddef.h>

enum { SUBJECT_COUNT = 2003, SUBJECT_LEN = 5000 };

/* All that the work reads and writes, in one memory. */
typedef struct {
    uint8_t in[SUBJECT_LEN], out[SUBJECT_LEN];
    uint8_t nonce[PARSEAL_AES256GCM_NONCEBYTES + 4], tag[PARSEAL_TAGBYTES];
    int32_t verdict;
    uint32_t acc[SUBJECT_COUNT], v[SUBJECT_COUNT];
    float x[SUBJECT_COUNT];
    _Alignas(256) uint8_t workspace[2048];
} subject_data;

/* What is compared: all before it. */
enum { SUBJECT_RESULTS = offsetof(subject_data, workspace) };

/* Data from which every subject's work makes something. */
void subject_fill(subject_data *data);

/* The key and the seed of all subjects, as device memory has them. */
extern const uint8_t subject_secret[32];

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_plan *plan;
    parseal_seeds *seeds;
    bool for_graph; /* its seeds count, as capturing their use is refused else */
} subject_objects;

typedef struct {
    const char *name;
    parseal_status (*make)(subject_objects *o); /* in o->ctx */
    /* Works on the data at `memory`, which is of o->ctx's kind. */
    parseal_status (*work)(const subject_objects *o, uint32_t kind, uint64_t memory, void *stream);
    void (*destroy)(subject_objects *o);
    bool is_context; /* the work needs no object but the context, which is destroyed */
    bool is_hashed;  /* it is not the secret itself that the device's memory has */
} subject;

enum { SUBJECTS = 6 };
extern const subject subjects[SUBJECTS];

/* Makes the subject's objects in the context or, where that is what the work needs, opens another
 * one with these options. */
parseal_status subject_open(const subject *s, parseal_ctx *ctx, const parseal_options *options,
                            subject_objects *o);

/* Does the same for work that is captured, and replayed once. */
parseal_status subject_open_for_graph(const subject *s, parseal_ctx *ctx,
                                      const parseal_options *options, subject_objects *o);

/* What the work makes of the data, on the CPU. */
void subject_expect(const subject *s, subject_data *data);

#endif
