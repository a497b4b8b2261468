/*
 * How one camera is: what its pictures show (vision/picture_health.h) and how they come (pace.h), as flags
 * with a time, and the measures view_shift, picture_rate and picture_delay. One thread at a time; no
 * allocation after create.
 */
#ifndef SCI_PIPELINE_CAMERA_HEALTH_H
#define SCI_PIPELINE_CAMERA_HEALTH_H

#include "config/config.h"
#include "core/observation.h"
#include "core/snapshot.h"

#define HEALTH_KEEP_NS (600 * NS_PER_S)

struct camera_health; /* opaque */
struct health_memory;

/* What the manager knows of a live camera. */
struct camera_pace {
    double target_fps; /* pictures per second that are to be analysed; 0 = as many as there are */
    double late_s;     /* by which the last picture came later than it could have */
};

/* `live`: pictures come as the clock goes, so their rate and delay mean something. NULL without memory. */
struct camera_health *camera_health_create(const struct health_config *config, bool live);
void camera_health_destroy(struct camera_health **health); /* clears the pointer; NULL is fine */

/* The view as it is from the next picture on is the right one. */
void camera_health_accept_view(struct camera_health *health);
/* What the view is recognised by, when it is worth keeping now: it was learnt anew, or was kept long ago
 * (HEALTH_KEEP_NS). False: nothing to be kept. */
bool camera_health_remember(struct camera_health *health, int64_t now_ns, struct health_memory *memory);
/* Before the first picture: what a process before this one has kept. */
void camera_health_recall(struct camera_health *health, const struct health_memory *memory, bool recent);

/*
 * The next observation. Fills in the snapshot's health, degraded and blind_ns. Returns why nothing of the
 * picture counts (static text for the measures' reason), or NULL.
 */
const char *camera_health_look(struct camera_health *health, const struct observation *observation,
                               const struct camera_pace *pace, struct snapshot *snapshot);
/* After everything was measured: the measures above. */
void camera_health_measure(const struct camera_health *health, struct measure_set *set);
/* Whether this very picture is black or of one colour: what a network finds in it is nothing. */
bool camera_health_shows_nothing(const struct camera_health *health);

#endif
