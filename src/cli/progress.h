/* A progress line on standard error: a bar with rate and remaining time on a terminal, a line every ten
 * seconds elsewhere. */
#ifndef SCI_CLI_PROGRESS_H
#define SCI_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool quiet, terminal;
    int64_t total; /* 0 = unknown */
    int64_t done;
    int64_t started_ns, shown_ns; /* monotonic */
};

void progress_begin(struct progress *progress, bool quiet, int64_t total);
void progress_step(struct progress *progress);
void progress_end(struct progress *progress); /* the last word: how many, how fast */

#endif
