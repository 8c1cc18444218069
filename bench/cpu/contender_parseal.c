#include "bench/cpu/contender.h"
#include "bench/cpu/support.h"

static bool can(const struct contender *who, const struct work *w)
{
    (void)who;
    (void)w;
    return true;
}

/* Has nothing to do, as the keys and seeds are part of the work already. */
static void *start(const struct contender *who, struct work *w)
{
    (void)who;
    return w;
}

static bool run(void *session)
{
    struct work *w = session;
    parseal_status status = w->op->family->run(w);
    if (status != PARSEAL_OK)
        complain_status(w->op->name, status);
    return status == PARSEAL_OK;
}

static void stop(void *session)
{
    (void)session;
}

const struct contender contender_parseal = {
    .name = "parseal", .can = can, .start = start, .run = run, .stop = stop};
