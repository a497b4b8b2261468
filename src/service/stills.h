/*
 * Pictures of alerts on their way to disk: a thread of its own encodes and writes them, so that neither
 * alerts nor analysis wait for a disk. Bounded: when it lags, the oldest picture is dropped and the alert
 * stays without one; a full disk likewise.
 */
#ifndef SCI_SERVICE_STILLS_H
#define SCI_SERVICE_STILLS_H

#include "base/error.h"
#include "core/picture.h"
#include "service/encoders.h"

struct stills; /* opaque */

/* `encoders` is lent. */
int stills_start(const char *folder, int quality, struct encoders *encoders, struct stills **stills,
                 struct error *error);
void stills_stop(struct stills **stills); /* writes what is queued */
/* `name` is the file's name in the folder. Takes a reference of the picture. Never blocks. */
void stills_put(struct stills *stills, const char *name, struct picture *picture);

#endif
