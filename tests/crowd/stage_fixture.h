/* What the tests of the measuring stage share: a camera, people before it, and a stage for it. */
#ifndef SCI_TESTS_CROWD_STAGE_FIXTURE_H
#define SCI_TESTS_CROWD_STAGE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "crowd/stage.h"

enum { STAGE_WIDTH = 1280, STAGE_HEIGHT = 720 };

/* Eight metres above the ground, looking along +y and down by 40 degrees, no distortion. */
struct camera_model stage_overlook(void);
/* The box of a person 1.7 m high and 0.5 m wide, as the camera sees them. */
struct track stage_person(const struct camera_model *camera, int64_t id, struct point ground);
/* Cells of 0.5 m, a kernel of 0.6 m. The caller destroys it. */
struct crowd_stage *stage_make(const struct camera_model *camera, const struct zone *zones,
                               size_t zone_count);
/* People in the map: the densities of its valid cells over their area. */
double stage_people_in(const struct density_grid *grid);

#endif
