#include "host/cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "host/cli/cli.h"

enum { BAR = 40 };

void progress_begin(progress *p, uint64_t total)
{
    progress_begin_bytes(p, total != 0 ? total : 1);
}

void progress_begin_bytes(progress *p, uint64_t total)
{
    p->shown = isatty(STDERR_FILENO) == 1;
    p->total = total;
    p->done = 0;
    p->began_at = cli_now();
    p->drawn_at = 0;
}

/* Counts, and returns true when it is time to draw. */
static bool advance(progress *p, uint64_t done)
{
    const uint64_t left = p->total != 0 ? p->total - p->done : UINT64_MAX - p->done;
    p->done += done < left ? done : left;
    if (!p->shown || cli_now() - p->drawn_at < 0.1)
        return false;
    p->drawn_at = cli_now();
    return true;
}

static void draw(const progress *p, const char *doing)
{
    static const char full[BAR + 1] = "########################################";
    static const char none[BAR + 1] = "........................................";
    double share = (double)p->done / (double)p->total;
    int filled = (int)(share * BAR);
    fprintf(stderr, "\r[%.*s%.*s] %3.0f%% %-10s", filled, full, BAR - filled, none, 100 * share,
            doing);
    fflush(stderr);
}

void progress_add(progress *p, const char *doing, uint64_t done)
{
    if (advance(p, done))
        draw(p, doing);
}

void progress_say(const progress *p, const char *text)
{
    if (!p->shown)
        return;
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
}

void progress_add_bytes(progress *p, uint64_t done)
{
    char rate[40];
    if (!advance(p, done))
        return;
    double seconds = p->drawn_at - p->began_at, gigabytes = (double)p->done * 1e-9;
    snprintf(rate, sizeof rate, "%.2f GB/s", seconds > 0 ? gigabytes / seconds : 0.0);
    if (p->total != 0) {
        draw(p, rate);
    } else {
        fprintf(stderr, "\r%.2f GB %-10s", gigabytes, rate);
        fflush(stderr);
    }
}

void progress_end(progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
