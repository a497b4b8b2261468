/* Which pictures `sci measure` draws, and writing them; how they look is measure_picture.c's. */
#ifndef SCI_CLI_MEASURE_DRAW_H
#define SCI_CLI_MEASURE_DRAW_H

#include "cli/measure_run.h"
#include "crowd/movement.h"

/* cells_F.svg, profile_F.svg and places_F.svg of every frame that is drawn, and nt.svg where there is a line.
 */
int measure_draw(const struct measure_job *job, const struct crossing_event *events, size_t event_count,
                 struct error *error);

#endif
