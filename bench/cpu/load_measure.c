#include "bench/cpu/load_measure.h"

#include "bench/cpu/busy.h"
#include "bench/cpu/measure.h"
#include "bench/cpu/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEAST_PAIRS = 5, /* of calls, however long they take */
    WINDOW = 5       /* pairs of calls whose medians are compared with the idle machine's */
};

static const double settle_seconds = 0.1; /* until the system has spread the busy processes */
static const double longest_pair = 0.015; /* of which a window says when the gain is back */
static const double least_gain = 0.9;     /* a ratio above it is no gain that could come back */
static const double tolerance = 1.1;

/* Grows as calls are made. */
struct times {
    double *seconds;
    size_t n, room;
};

static bool note(struct times *t, double seconds)
{
    if (t->n == t->room) {
        const size_t room = 2 * t->room + 64;
        double *grown = realloc(t->seconds, room * sizeof *grown);
        if (grown == NULL) {
            complain("no memory for the times of %zu calls", room);
            return false;
        }
        t->seconds = grown;
        t->room = room;
    }
    t->seconds[t->n++] = seconds;
    return true;
}

static bool time_call(struct work *w, double *seconds)
{
    const double start = seconds_now();
    const parseal_status status = w->op->family->run(w);
    *seconds = seconds_now() - start;
    if (status != PARSEAL_OK)
        complain_status(w->op->name, status);
    return status == PARSEAL_OK;
}

/* Calls each side once, in an order that changes from pair to pair. */
static bool time_pair(struct work side[SIDES], size_t pair, double seconds[SIDES])
{
    const size_t first = pair % 2;
    return time_call(&side[first], &seconds[first]) && time_call(&side[!first], &seconds[!first]);
}

/* Makes pairs of calls for so many seconds; `times` NULL: they are not counted. */
static bool make_calls(struct work side[SIDES], double seconds, struct times times[SIDES])
{
    const double end = seconds_now() + seconds;
    for (size_t pair = 0; pair < LEAST_PAIRS || seconds_now() < end; pair++) {
        double taken[SIDES];
        if (!time_pair(side, pair, taken))
            return false;
        for (size_t s = 0; times != NULL && s < SIDES; s++) {
            if (!note(&times[s], taken[s]))
                return false;
        }
    }
    return true;
}

static struct call_times summarise(struct times *t)
{
    struct call_times summary = {.median = median(t->seconds, t->n), .calls = t->n};
    summary.p95 = t->seconds[(t->n * 95 + 99) / 100 - 1]; /* median() has sorted them. */
    return summary;
}

/* Measures how long the gain takes to come back, as load_result says it. */
static bool wait_for_gain(struct work side[SIDES], double idle_ratio, double start, double *back)
{
    double last[SIDES][WINDOW];
    *back = -1;
    for (size_t pair = 0; *back < 0 && seconds_now() - start < LOAD_PATIENCE; pair++) {
        double taken[SIDES], sorted[SIDES][WINDOW];
        if (!time_pair(side, pair, taken))
            return false;
        for (size_t s = 0; s < SIDES; s++)
            last[s][pair % WINDOW] = taken[s];
        memcpy(sorted, last, sizeof sorted);
        if (pair + 1 >= WINDOW && median(sorted[ALL_THREADS], WINDOW) <=
                                      tolerance * idle_ratio * median(sorted[ONE_THREAD], WINDOW))
            *back = seconds_now() - start;
    }
    return true;
}

static bool make_loaded_calls(struct work side[SIDES], const struct load_effort *effort,
                              struct times times[SIDES])
{
    return make_calls(side, fmin(settle_seconds, effort->seconds), NULL) &&
           make_calls(side, effort->seconds / LOAD_ROUNDS, times);
}

static bool run_round(struct work side[SIDES], const struct load_effort *effort,
                      struct times times[SIDES], struct load_result *result)
{
    const struct call_times *idle = result->idle;
    const double ratio = idle[ALL_THREADS].median / idle[ONE_THREAD].median;
    struct busy busy;
    if (!busy_start(&busy, effort->processes))
        return false;
    bool fine = make_loaded_calls(side, effort, times);
    const double end = seconds_now();
    busy_stop(&busy);
    if (fine && ratio < least_gain &&
        idle[ALL_THREADS].median + idle[ONE_THREAD].median < longest_pair)
        fine = wait_for_gain(side, ratio, end, &result->back[result->n_back++]);
    return fine;
}

static void free_times(struct times times[SIDES])
{
    for (size_t s = 0; s < SIDES; s++)
        free(times[s].seconds);
}

static void summarise_sides(struct times times[SIDES], struct call_times summary[SIDES])
{
    for (size_t s = 0; s < SIDES; s++)
        summary[s] = summarise(&times[s]);
}

bool load_measure(struct work side[SIDES], const struct load_effort *effort,
                  struct load_result *result)
{
    struct times idle[SIDES] = {{.n = 0}}, load[SIDES] = {{.n = 0}};
    *result = (struct load_result){.n_back = 0};
    bool fine = make_calls(side, 0, NULL) && make_calls(side, effort->seconds, idle);
    if (fine)
        summarise_sides(idle, result->idle);
    for (size_t round = 0; fine && round < LOAD_ROUNDS; round++)
        fine = run_round(side, effort, load, result);
    if (fine)
        summarise_sides(load, result->load);
    free_times(load);
    free_times(idle);
    return fine;
}
