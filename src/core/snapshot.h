/*
 * The snapshot: everything that is published about one camera at one picture. The waist of the system: what
 * is made left of it knows nothing of what is right of it.
 *
 * A snapshot is lent to the sinks for the duration of `put`; whoever needs more copies what it needs. Its
 * arrays belong to the one who made it. Every measure that a place (stream, zone, line) cannot have is
 * invalid with REASON_NOT_MEASURED and is left out of the JSON; which measures a place can have is said by
 * `measure_info.scopes`.
 */
#ifndef SCI_CORE_SNAPSHOT_H
#define SCI_CORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/json_write.h"
#include "core/count_map.h"
#include "core/health.h"
#include "core/measure.h"
#include "core/picture.h"
#include "core/track.h"
#include "core/zone.h"

enum { EPOCH_SIZE = 33 };

enum regime { REGIME_BOXES, REGIME_DENSITY, REGIME_BLENDED };

struct measure_set {
    struct measure of[MEASURE_COUNT];
};

struct zone_state {
    const struct zone *zone;
    enum regime regime;
    struct measure_set measures;
};

struct line_state {
    const struct line *line;
    int64_t count_in, count_out; /* since the epoch began */
    struct measure_set measures;
};

/* People per m2 on a grid of square cells on the ground. Row 0 has the least y. NaN where the camera does not
 * see. */
struct density_grid {
    double origin_x, origin_y; /* outer corner of cell (0, 0), metres */
    double cell_m;
    int columns, rows;
    const float *values; /* rows * columns */
};

/* Velocities on the ground from the picture's motion (docs/measures.md), on a grid like the density's, with
 * larger cells. */
struct velocity_cell {
    float vx, vy, error; /* m/s; error: one sigma per axis, without what the body's height adds */
    int known, moving;   /* cells of the picture's motion field behind it: whose motion is known; that move */
    bool valid;
};

struct velocity_grid {
    double origin_x, origin_y;
    double cell_m;
    int columns, rows;
    const struct velocity_cell *cells; /* rows * columns */
    bool by_coder;                     /* the newest field was: motion_field.h */
};

/* A connected place that stays crowded (docs/measures.md). `id` is kept while it lasts. */
struct hotspot {
    int64_t id;
    struct point peak_at; /* metres */
    double peak;          /* people per m2 */
    double area_m2, people;
    double age_s; /* since it was first above the level */
};

struct snapshot {
    char stream_id[ID_SIZE];
    char epoch[EPOCH_SIZE];
    int64_t seq;              /* from 1 within the epoch */
    int64_t frame;            /* picture.number */
    int64_t stream_ns;        /* stream time from the first picture */
    struct instant capture;   /* of the picture */
    struct instant published; /* set by the pipeline when it hands the snapshot out */
    int width, height;        /* displayed picture, pixels */
    enum regime regime;
    struct measure_set measures;
    size_t track_count;
    const struct track *tracks; /* people: confirmed, detected here or coasting briefly */
    size_t zone_count;
    const struct zone_state *zones;
    size_t line_count;
    const struct line_state *lines;
    const struct density_grid *grid;    /* NULL when uncalibrated */
    const struct count_map *map;        /* people in the picture as they are counted; NULL: by boxes alone */
    const struct velocity_grid *motion; /* NULL when uncalibrated, or not measured */
    size_t hotspot_count;
    const struct hotspot *hotspots; /* highest peak first */
    struct health health;           /* what is wrong with the pictures */
    const char *degraded;           /* NULL, or in words what does not work as it should */
    int64_t blind_ns; /* for so long pictures have shown nothing (black, frozen, ...); 0 = they do */
};

void measure_set_clear(struct measure_set *set); /* all invalid, REASON_NOT_MEASURED */

const char *regime_name(enum regime regime); /* "boxes", "density", "blended" */

/* One measure as in contracts: {"value", "unit", "low", "high", "valid"} or {"value": null, "valid": false,
 * "reason"}. */
void measure_write_json(struct json_writer *w, const struct measure_info *info,
                        const struct measure *measure);

/* The members of `crowd_data` (the caller has begun the object). No wall clock in it. docs/api.md shows an
 * example. */
void snapshot_write_crowd_data(struct json_writer *w, const struct snapshot *snapshot);

/* The whole `stream_update` message. */
void snapshot_write_update(struct json_writer *w, const struct snapshot *snapshot);

/*
 * snapshot_sink: receives every snapshot of every camera, in order per camera, from worker threads (several
 * at once for different cameras). Must not block. `picture` is lent: picture_ref it to keep it; NULL when
 * there is none.
 */
struct snapshot_sink {
    void (*put)(void *self, const struct snapshot *snapshot, struct picture *picture);
    void *self;
};

#endif
