/* Times of a benchmark: one thread's processor time, which other work on the machine hardly changes. */
#ifndef SCI_TESTS_BENCH_TIMING_H
#define SCI_TESTS_BENCH_TIMING_H

#include <stddef.h>

/* Processor time of the calling thread so far, in milliseconds. */
double timing_thread_ms(void);
/* The fastest first: the median stands in the middle. */
void timing_sort(double *ms, size_t count);

#endif
