/*
 * The service's own figures, every ten seconds into the table system_metrics: cpu_s (processor time since the
 * start), resident_bytes, disk_free_bytes, streams_live, alerts_open, rules_blind, spooled_bytes,
 * dropped_rows (since the start).
 *
 * A thread of its own, so that nobody's work waits for what the figures are asked of.
 */
#ifndef SCI_SERVICE_FIGURES_H
#define SCI_SERVICE_FIGURES_H

#include "base/error.h"

struct service;
struct figures; /* opaque */

/* The service's store, engine and manager are there, and stay until figures_stop. */
int figures_start(struct service *service, struct figures **figures, struct error *error);
void figures_stop(struct figures **figures); /* NULL is fine */

#endif
