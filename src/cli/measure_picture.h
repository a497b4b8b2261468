/* Pictures of `sci measure`, as SVG text: cells, profile, crowded places of a frame, and the N-t curve.
 * Nothing is opened here; what is drawn is appended to `svg`, whose `failed` tells whether memory was short.
 */
#ifndef SCI_CLI_MEASURE_PICTURE_H
#define SCI_CLI_MEASURE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "crowd/hotspots.h"
#include "crowd/movement.h"
#include "crowd/profile.h"
#include "crowd/voronoi.h"
#include "crowd/walkable.h"
#include "geo/wkt.h"

struct picture_ground {
    const struct walkable *walkable;
    const struct wkt_polygon *area; /* measurement area, outlined; may have no points */
    const struct wkt_line *line;    /* may have no points */
};

void picture_cells(struct buffer *svg, const struct picture_ground *ground, const struct voronoi *voronoi,
                   const struct point *positions, size_t count);
/* values: people per m2 on the grid, row 0 has the least y; places (may be none) are outlined and labelled.
 */
void picture_map(struct buffer *svg, const struct picture_ground *ground, const struct profile_grid *grid,
                 const double *values, const struct hotspot *places, size_t place_count);
void picture_nt(struct buffer *svg, const struct crossing_event *events, size_t count, int64_t first_frame,
                double frame_rate);

#endif
