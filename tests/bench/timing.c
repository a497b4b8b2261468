#include "timing.h"

#include <stdlib.h>
#include <time.h>

double timing_thread_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void timing_sort(double *ms, size_t count)
{
    qsort(ms, count, sizeof *ms, compare);
}
