/*
 * Offline analysis: every picture of a source through the network, several at once, and back in order by
 * number before the tracker: the output is the same bytes for any number of workers.
 *
 * The calling thread reads the source, measures, and calls `deliver`; `workers` threads run the network.
 */
#ifndef SCI_PIPELINE_OFFLINE_H
#define SCI_PIPELINE_OFFLINE_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/error.h"
#include "core/observation.h"
#include "core/snapshot.h"
#include "pipeline/path.h"
#include "vision/network.h"

struct offline_options {
    const struct source_kind *kind;
    struct source *source;           /* open; stays the caller's */
    struct network *network;         /* NULL when the source gives no pictures */
    struct density_network *density; /* NULL: boxes count */
    struct camera_path *path;
    int workers;               /* from 1 */
    const atomic_bool *cancel; /* NULL = cannot be interrupted */
    /* Each snapshot in order, with its picture (NULL for other observations). Not 0 ends the run with that
     * code. */
    int (*deliver)(void *user, const struct snapshot *snapshot, struct picture *picture, struct error *error);
    void *user;
};

/* 0 at the end of the source; ERR_CANCELED; else the source's or the network's error, after everything read
 * before was delivered. */
int offline_run(const struct offline_options *options, struct error *error);

#endif
