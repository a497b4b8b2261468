/* What the alert thread needs of a snapshot: the measures of its places. A value that travels from a worker
 * to the alert thread. */
#ifndef SCI_ALERTING_SAMPLE_H
#define SCI_ALERTING_SAMPLE_H

#include "core/snapshot.h"

struct sample_place {
    char id[ID_SIZE]; /* zone or line; empty = the stream itself */
    unsigned scope;   /* enum measure_scope */
    enum zone_kind kind;
    struct measure_set measures;
};

struct sample {
    char stream_id[ID_SIZE];
    struct instant capture;
    size_t place_count;
    struct sample_place places[];
};

struct sample *sample_of_snapshot(const struct snapshot *snapshot); /* free() it; NULL without memory */
const struct sample_place *sample_find(const struct sample *sample, const char *id); /* NULL: not there */

#endif
