/* The ground under a picture: its area, density map, zones, and where zones and lines lie in the picture. */
#include "crowd/density_map.h"
#include "crowd/doubt.h"
#include "crowd/ground_motion.h"
#include "crowd/stage_internal.h"
#include "crowd/stage_memory.h"

void stage_clear_ground(struct crowd_stage *s)
{
    for (size_t i = 0; s->zone_areas && i < s->zone_count; i++) {
        zone_area_free(&s->zone_areas[i]);
    }
    ground_motion_destroy(&s->motion);
    density_map_destroy(&s->map);
    ground_area_free(&s->area);
    s->width = 0;
    s->height = 0;
}

int stage_build_ground(struct crowd_stage *s, const struct crowd_input *in, struct error *error)
{
    stage_clear_ground(s);
    const bool given = in->ground_is_given != 0;
    if (given && s->camera.kind == CAMERA_NONE) {
        view_init_zones(&s->view, s->zones, s->zone_count);
    } else {
        view_init(&s->view, &s->camera, in->width, in->height, s->region, s->region_count);
    }
    int rc = ground_area_build(&s->view, s->cell_m, &s->area, error);
    if (rc == 0) {
        rc = density_map_create(&s->area, s->sigma_m, &s->map, error);
    }
    for (size_t i = 0; rc == 0 && i < s->zone_count; i++) {
        rc = zone_area_build(&s->view, &s->area, &s->zones[i], &s->zone_areas[i], error);
    }
    rc = rc ? rc : stage_memory_set_area(s->memory, &s->area, error);
    if (rc) {
        stage_clear_ground(s);
        return rc;
    }
    for (size_t i = 0; i < s->zone_count; i++) {
        s->zone_tiles[i] = doubt_zone_tiles(&s->view, &s->zones[i]);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        s->line_tiles[i] = doubt_line_tiles(&s->view, &s->lines[i]);
    }
    s->width = in->width;
    s->height = in->height;
    s->ground_is_given = given;
    s->grid = (struct density_grid){s->area.origin_x, s->area.origin_y, s->area.cell_m,
                                    s->area.columns,  s->area.rows,     density_map_values(s->map)};
    return 0;
}
