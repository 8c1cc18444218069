#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli.h"

enum { BAR = 40 };

void progress_begin(progress *p, uint64_t total)
{
    p->shown = isatty(STDERR_FILENO) == 1;
    p->total = total != 0 ? total : 1;
    p->done = 0;
    p->drawn_at = 0;
}

void progress_add(progress *p, const char *doing, uint64_t done)
{
    static const char full[BAR + 1] = "########################################";
    static const char none[BAR + 1] = "........................................";

    p->done = done < p->total - p->done ? p->done + done : p->total;
    if (!p->shown || cli_now() - p->drawn_at < 0.1)
        return;
    p->drawn_at = cli_now();
    double share = (double)p->done / (double)p->total;
    int filled = (int)(share * BAR);
    fprintf(stderr, "\r[%.*s%.*s] %3.0f%% %-10s", filled, full, BAR - filled, none, 100 * share,
            doing);
    fflush(stderr);
}

void progress_end(progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
