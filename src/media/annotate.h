/*
 * annotate: a snapshot drawn on its picture: the density on the ground with its legend, zones and lines,
 * people's boxes (dashed when coasted) with identity and speed, the path of their feet over the last seconds,
 * and the number of people. For annotated videos and stills; the dashboard draws its own on a canvas.
 *
 * An annotator remembers where the tracks of one camera were. One thread at a time; nothing depends on a
 * clock.
 */
#ifndef SCI_MEDIA_ANNOTATE_H
#define SCI_MEDIA_ANNOTATE_H

#include <stdbool.h>

#include "base/error.h"
#include "core/picture.h"
#include "core/snapshot.h"

struct annotator;

struct annotate_options {
    /* Where a ground position is seen, pixels of the displayed picture; false where it is not. NULL: no
     * density, no zones or lines in ground coordinates. */
    bool (*ground_to_image)(void *user, struct point ground, struct point *pixel);
    void *user;
};

int annotator_create(const struct annotate_options *options, struct annotator **annotator,
                     struct error *error);
void annotator_destroy(struct annotator **annotator); /* clears the pointer; NULL is fine */

/*
 * The snapshot on a copy of `picture`, in RGB. The result is lent: it is overwritten by the next call.
 * Snapshots of one camera come in order.
 */
int annotator_draw(struct annotator *annotator, const struct snapshot *snapshot,
                   const struct picture *picture, const struct picture **result, struct error *error);

#endif
