#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { BAR_WIDTH = 30 };

void progress_begin(struct progress *p, bool quiet, int64_t total)
{
    *p = (struct progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1, .total = total};
    p->started_ns = p->shown_ns = clock_monotonic_ns();
}

static double rate(const struct progress *p)
{
    double elapsed = (double)(clock_monotonic_ns() - p->started_ns) / 1e9;
    return elapsed > 0 ? (double)p->done / elapsed : 0;
}

static void show_bar(const struct progress *p)
{
    char bar[BAR_WIDTH + 1];
    double share = p->total > 0 ? (double)p->done / (double)p->total : 0;
    int full = share < 1 ? (int)(share * BAR_WIDTH) : BAR_WIDTH;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)full);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r[%s] %3.0f %%  ", bar, 100 * (share < 1 ? share : 1));
}

static void show(const struct progress *p)
{
    double per_s = rate(p);
    if (p->terminal && p->total > 0)
        show_bar(p);
    else if (p->terminal)
        (void)fputs("\r", stderr);
    (void)fprintf(stderr, "%lld frames, %.1f frames/s", (long long)p->done, per_s);
    if (p->total > p->done && per_s > 0)
        (void)fprintf(stderr, ", %.0f s left", (double)(p->total - p->done) / per_s);
    (void)fputs(p->terminal ? "   " : "\n", stderr);
    (void)fflush(stderr);
}

void progress_step(struct progress *p)
{
    p->done++;
    int64_t now = clock_monotonic_ns();
    int64_t every = p->terminal ? 200 * NS_PER_MS : 10 * NS_PER_S;
    if (p->quiet || now - p->shown_ns < every)
        return;
    p->shown_ns = now;
    show(p);
}

void progress_end(struct progress *p)
{
    if (p->quiet)
        return;
    (void)fprintf(stderr, "%s%lld frames, %.1f frames/s%s\n", p->terminal ? "\r" : "", (long long)p->done,
                  rate(p), p->terminal ? "                                             " : "");
}
