/*
 * A stream as the API shows it: its configuration, its state, and its geometry in the picture (zones, lines
 * and density grid projected to 0-1 of the displayed picture), so that a client can draw without a camera
 * model of its own.
 */
#include <math.h>

#include "base/text.h"
#include "base/uri.h"
#include "service/internal.h"

enum { EDGE_STEPS = 8, GRID_POINTS_MAX = 20000 };

/* Ground metres to 0-1 of the picture. False where the camera does not see. */
static bool to_picture(const struct camera_model *camera, struct point ground, struct point *out)
{
    struct point pixel;
    if (!camera_to_image(camera, ground, 0, &pixel))
        return false;
    *out = (struct point){pixel.x / camera->width, pixel.y / camera->height};
    return isfinite(out->x) && isfinite(out->y) && fabs(out->x) < 10 && fabs(out->y) < 10;
}

static void write_point(struct json_writer *w, struct point p, int decimals)
{
    json_array_begin(w);
    json_number(w, p.x, decimals);
    json_number(w, p.y, decimals);
    json_array_end(w);
}

static void write_points(struct json_writer *w, const char *key, const struct point *points, size_t count,
                         int decimals)
{
    json_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++)
        write_point(w, points[i], decimals);
    json_array_end(w);
}

/* The corners in the picture; a ground edge is subdivided, since lens distortion bends it. */
static void write_image_points(struct json_writer *w, const char *key, const struct camera_model *camera,
                               enum zone_coordinates coordinates, const struct point *corners, size_t count,
                               bool closed)
{
    if (coordinates == COORDINATES_IMAGE) {
        write_points(w, key, corners, count, 5);
        return;
    }
    json_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < count; i++) {
        struct point a = corners[i], b = corners[(i + 1) % count];
        int steps = closed || i + 1 < count ? EDGE_STEPS : 1;
        for (int s = 0; s < steps; s++) {
            double t = (double)s / EDGE_STEPS;
            struct point p;
            if (to_picture(camera, (struct point){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)}, &p))
                write_point(w, p, 5);
        }
    }
    json_array_end(w);
}

static const char *coordinates_name(enum zone_coordinates coordinates)
{
    return coordinates == COORDINATES_GROUND ? "ground" : "image";
}

static void write_zones(struct json_writer *w, const struct stream_config *stream)
{
    json_key(w, "zones");
    json_array_begin(w);
    for (size_t i = 0; i < stream->zone_count; i++) {
        const struct zone *z = &stream->zones[i];
        json_object_begin(w);
        json_put_string(w, "id", z->id);
        json_put_string(w, "kind", zone_kind_name(z->kind));
        json_put_string(w, "coordinates", coordinates_name(z->coordinates));
        json_put_number(w, "capacity", z->capacity > 0 ? z->capacity : NAN, 1);
        write_points(w, "polygon", z->corners, z->corner_count, 5);
        write_image_points(w, "image_polygon", &stream->camera, z->coordinates, z->corners, z->corner_count,
                           true);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_lines(struct json_writer *w, const struct stream_config *stream)
{
    json_key(w, "lines");
    json_array_begin(w);
    for (size_t i = 0; i < stream->line_count; i++) {
        const struct line *l = &stream->lines[i];
        json_object_begin(w);
        json_put_string(w, "id", l->id);
        json_put_string(w, "coordinates", coordinates_name(l->coordinates));
        json_put_number(w, "width_m", l->width_m > 0 ? l->width_m : NAN, 3);
        write_points(w, "points", l->points, l->point_count, 5);
        write_image_points(w, "image_points", &stream->camera, l->coordinates, l->points, l->point_count,
                           false);
        json_object_end(w);
    }
    json_array_end(w);
}

/* Where every corner of the density grid's cells lies in the picture; null where it is not in view. */
static void write_grid(struct json_writer *w, const struct camera_model *camera,
                       const struct latest_grid *grid)
{
    json_object_begin(w);
    json_put_number(w, "origin_x", grid->origin_x, 3);
    json_put_number(w, "origin_y", grid->origin_y, 3);
    json_put_number(w, "cell_m", grid->cell_m, 3);
    json_put_int(w, "columns", grid->columns);
    json_put_int(w, "rows", grid->rows);
    json_key(w, "points");
    json_array_begin(w);
    for (int r = 0; r <= grid->rows; r++)
        for (int c = 0; c <= grid->columns; c++) {
            struct point p;
            struct point corner = {grid->origin_x + c * grid->cell_m, grid->origin_y + r * grid->cell_m};
            if (to_picture(camera, corner, &p))
                write_point(w, p, 4);
            else
                json_null_value(w);
        }
    json_array_end(w);
    json_object_end(w);
}

static void write_geometry(struct service *service, struct json_writer *w, const struct stream_config *stream)
{
    struct latest_grid grid;
    bool calibrated = stream->camera.kind != CAMERA_NONE;
    json_put_bool(w, "calibrated", calibrated);
    json_put_number(w, "calibration_residual_m", calibrated ? stream->camera.residual_m : NAN, 3);
    write_zones(w, stream);
    write_lines(w, stream);
    json_key(w, "grid_image");
    bool has_grid = calibrated && latest_get_grid(service->latest, stream->stream_id, &grid) &&
                    (grid.columns + 1) * (grid.rows + 1) <= GRID_POINTS_MAX;
    if (has_grid)
        write_grid(w, &stream->camera, &grid);
    else
        json_null_value(w);
}

static void write_input(struct json_writer *w, const struct stream_status *status)
{
    char size[32] = "";
    if (status->input_width > 0)
        text_format(size, sizeof size, "%dx%d", status->input_width, status->input_height);
    json_put_string(w, "network_input", size[0] ? size : NULL);
}

static void write_state(const struct service *service, struct json_writer *w,
                        const struct stream_status *status)
{
    json_put_string(w, "state", stream_state_name(status->state));
    json_put_string(w, "cause", stream_cause_name(status->cause));
    json_put_string(w, "reason", status->reason[0] ? status->reason : NULL);
    json_put_number(w, "retry_in_s", status->retry_in_s, 1);
    json_put_string(w, "source", status->source[0] ? status->source : NULL);
    json_put_string(w, "epoch", status->epoch);
    json_put_int(w, "seq", status->seq);
    json_put_int(w, "width", status->width);
    json_put_int(w, "height", status->height);
    json_put_number(w, "picture_age_s", status->picture_age_s, 2);
    json_put_number(w, "fps", status->analyzed_fps, 2);
    json_put_number(w, "aimed_fps", status->target_fps, 2);
    write_input(w, status);
    json_put_string(w, "counting", counting_mode_name(status_counts_by(service, status)));
    json_put_string(w, "degradation", load_level_name(status->degradation));
    json_key(w, "health");
    health_write_json(w, &status->health, true);
    json_put_number(w, "latency_s", status->latency_s, 4);
    json_put_number(w, "late_s", status->late_s, 3);
    json_key(w, "time_stamps");
    json_object_begin(w);
    json_put_bool(w, "believed", !status->faults.now_untrusted);
    json_put_int(w, "missing", status->faults.missing);
    json_put_int(w, "disordered", status->faults.disordered);
    json_put_int(w, "jumps", status->faults.jumps);
    json_object_end(w);
    json_put_int(w, "frames_decoded", status->frames_decoded);
    json_put_int(w, "frames_analyzed", status->frames_analyzed);
    json_put_int(w, "frames_replaced", status->frames_replaced);
    json_put_int(w, "reconnects", status->reconnects);
    json_put_string(w, "gives", observation_kind_name(status->gives));
    json_put_int(w, "refused", status->refused);
    json_put_int(w, "skipped", status->skipped + status->faults.skipped);
    json_put_int(w, "damaged", status->faults.damaged);
    json_put_string(w, "note", status->note[0] ? status->note : NULL);
    json_key(w, "people");
    measure_write_json(w, measure_info(MEASURE_PEOPLE), &status->people);
}

void stream_write_json(struct service *service, struct json_writer *w, const struct stream_config *stream,
                       const struct stream_status *status)
{
    char uri[1024];
    json_object_begin(w);
    json_put_string(w, "stream_id", stream->stream_id);
    json_put_string(w, "uri", uri_redact(stream->uri, uri, sizeof uri));
    json_put_string(w, "location", stream->location);
    json_put_bool(w, "enabled", stream->enabled);
    json_put_bool(w, "from_file", stream->from_file);
    json_put_number(w, "target_fps", stream->target_fps > 0 ? stream->target_fps : NAN, 2);
    write_state(service, w, status);
    recording_write_stream(service, w, stream);
    write_geometry(service, w, stream);
    json_object_end(w);
}
