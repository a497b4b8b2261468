#include "core/snapshot.h"

#include <math.h>
#include <string.h>

void measure_set_clear(struct measure_set *set)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++)
        set->of[i] = measure_invalid(REASON_NOT_MEASURED);
}

const char *regime_name(enum regime regime)
{
    static const char *const names[] = {"boxes", "density", "blended"};
    return names[regime];
}

void measure_write_json(struct json_writer *w, const struct measure_info *info, const struct measure *measure)
{
    json_object_begin(w);
    if (measure->valid) {
        json_put_number(w, "value", measure->value, info->decimals);
        json_put_string(w, "unit", info->unit);
        json_put_number(w, "low", measure->low, info->decimals);
        json_put_number(w, "high", measure->high, info->decimals);
        json_put_bool(w, "valid", true);
    } else {
        json_put_null(w, "value");
        json_put_string(w, "unit", info->unit);
        json_put_bool(w, "valid", false);
        json_put_string(w, "reason", measure->reason);
    }
    json_object_end(w);
}

/* "Not measured" is what a place cannot have at all: it is left out. Every other reason is said. */
static bool is_published(const struct measure *measure)
{
    return measure->valid || strcmp(measure->reason, REASON_NOT_MEASURED) != 0;
}

static void put_measure(struct json_writer *w, enum measure_id id, const char *key,
                        const struct measure_set *set)
{
    if (!is_published(&set->of[id]))
        return;
    json_key(w, key);
    measure_write_json(w, measure_info(id), &set->of[id]);
}

static void put_measures(struct json_writer *w, const struct measure_set *set, unsigned scope)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++)
        if (measure_info((enum measure_id)i)->scopes & scope)
            put_measure(w, (enum measure_id)i, measure_info((enum measure_id)i)->name, set);
}

static void put_point(struct json_writer *w, const char *x_key, const char *y_key, struct point p,
                      int decimals)
{
    json_put_number(w, x_key, p.x, decimals);
    json_put_number(w, y_key, p.y, decimals);
}

static void write_track_ground(struct json_writer *w, const struct track_ground *ground)
{
    json_key(w, "ground");
    if (!ground->valid) {
        json_null_value(w);
        return;
    }
    json_object_begin(w);
    put_point(w, "x", "y", ground->position, 3);
    json_put_number(w, "error_m", ground->error_m, 3);
    if (ground->velocity_valid) {
        put_point(w, "vx", "vy", ground->velocity, 3);
    } else {
        json_put_null(w, "vx");
        json_put_null(w, "vy");
    }
    json_object_end(w);
}

static void write_track(struct json_writer *w, const struct track *track)
{
    json_object_begin(w);
    json_put_int(w, "track_id", track->track_id);
    json_put_number(w, "x", (double)track->box.x, 2);
    json_put_number(w, "y", (double)track->box.y, 2);
    json_put_number(w, "w", (double)track->box.w, 2);
    json_put_number(w, "h", (double)track->box.h, 2);
    json_put_number(w, "score", (double)track->score, 3);
    json_put_bool(w, "coasted", track->coasted);
    json_key(w, "velocity");
    if (track->velocity_px_valid) {
        json_object_begin(w);
        put_point(w, "dx", "dy", track->velocity_px, 2);
        json_object_end(w);
    } else {
        json_null_value(w);
    }
    write_track_ground(w, &track->ground);
    json_object_end(w);
}

static void write_tracks(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, "tracks");
    json_array_begin(w);
    for (size_t i = 0; i < snapshot->track_count; i++)
        write_track(w, &snapshot->tracks[i]);
    json_array_end(w);
}

static void write_zones(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, "zones");
    json_array_begin(w);
    for (size_t i = 0; i < snapshot->zone_count; i++) {
        const struct zone_state *state = &snapshot->zones[i];
        json_object_begin(w);
        json_put_string(w, "id", state->zone->id);
        json_put_string(w, "kind", zone_kind_name(state->zone->kind));
        json_put_string(w, "regime", regime_name(state->regime));
        json_put_number(w, "capacity", state->zone->capacity > 0 ? state->zone->capacity : NAN, 1);
        put_measures(w, &state->measures, SCOPE_ZONE);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_lines(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, "lines");
    json_array_begin(w);
    for (size_t i = 0; i < snapshot->line_count; i++) {
        const struct line_state *state = &snapshot->lines[i];
        json_object_begin(w);
        json_put_string(w, "id", state->line->id);
        json_put_int(w, "count_in", state->count_in);
        json_put_int(w, "count_out", state->count_out);
        put_measures(w, &state->measures, SCOPE_LINE);
        json_object_end(w);
    }
    json_array_end(w);
}

/* Most of a view is empty: the cells go out as pairs of index (row * columns + column) and density; a cell
 * that is left out has less than this, or is not in view, which the stream's `grid_image` tells. */
#define GRID_LEAST_DENSITY 0.01f

static void write_grid(struct json_writer *w, const struct density_grid *grid)
{
    json_object_begin(w);
    put_point(w, "origin_x", "origin_y", (struct point){grid->origin_x, grid->origin_y}, 3);
    json_put_number(w, "cell_m", grid->cell_m, 3);
    json_put_int(w, "columns", grid->columns);
    json_put_int(w, "rows", grid->rows);
    json_key(w, "cells");
    json_array_begin(w);
    for (size_t i = 0; i < (size_t)grid->columns * (size_t)grid->rows; i++) {
        if (grid->values[i] >= GRID_LEAST_DENSITY) {
            json_int(w, (int64_t)i);
            json_number(w, (double)grid->values[i], 2);
        }
    }
    json_array_end(w);
    json_object_end(w);
}

/* People per cell of the picture, likewise in pairs. */
#define MAP_LEAST_PEOPLE 0.02f

static void write_map(struct json_writer *w, const struct count_map *map)
{
    json_object_begin(w);
    json_put_int(w, "columns", map->columns);
    json_put_int(w, "rows", map->rows);
    json_put_number(w, "cell_width", map->cell_width, 3);
    json_put_number(w, "cell_height", map->cell_height, 3);
    json_key(w, "cells");
    json_array_begin(w);
    for (size_t i = 0; i < (size_t)map->columns * (size_t)map->rows; i++) {
        if (map->people[i] >= MAP_LEAST_PEOPLE) {
            json_int(w, (int64_t)i);
            json_number(w, (double)map->people[i], 2);
        }
    }
    json_array_end(w);
    json_object_end(w);
}

static void write_hotspots(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, "crowded_places");
    json_array_begin(w);
    for (size_t i = 0; i < snapshot->hotspot_count; i++) {
        const struct hotspot *h = &snapshot->hotspots[i];
        json_object_begin(w);
        json_put_int(w, "id", h->id);
        put_point(w, "x", "y", h->peak_at, 2);
        json_put_number(w, "peak", h->peak, 3);
        json_put_number(w, "area_m2", h->area_m2, 2);
        json_put_number(w, "people", h->people, 1);
        json_put_number(w, "age_s", h->age_s, 1);
        json_object_end(w);
    }
    json_array_end(w);
}

/* Cells with a velocity, as index, vx, vy, number of moving cells of the picture behind it. */
static void write_motion(struct json_writer *w, const struct velocity_grid *grid)
{
    json_key(w, "motion");
    if (!grid) {
        json_null_value(w);
        return;
    }
    json_object_begin(w);
    put_point(w, "origin_x", "origin_y", (struct point){grid->origin_x, grid->origin_y}, 3);
    json_put_number(w, "cell_m", grid->cell_m, 3);
    json_put_int(w, "columns", grid->columns);
    json_put_int(w, "rows", grid->rows);
    json_put_string(w, "source", grid->by_coder ? "vectors" : "flow");
    json_key(w, "cells");
    json_array_begin(w);
    for (int i = 0; i < grid->columns * grid->rows; i++) {
        const struct velocity_cell *c = &grid->cells[i];
        if (c->valid) {
            json_int(w, i);
            json_number(w, (double)c->vx, 2);
            json_number(w, (double)c->vy, 2);
            json_int(w, c->moving);
        }
    }
    json_array_end(w);
    json_object_end(w);
}

static void write_density(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, "density");
    json_object_begin(w);
    put_measure(w, MEASURE_DENSITY_MEAN, "mean", &snapshot->measures);
    put_measure(w, MEASURE_DENSITY_PEAK, "peak", &snapshot->measures);
    json_key(w, "grid");
    if (snapshot->grid)
        write_grid(w, snapshot->grid);
    else
        json_null_value(w);
    json_key(w, "picture");
    if (snapshot->map)
        write_map(w, snapshot->map);
    else
        json_null_value(w);
    json_object_end(w);
}

void snapshot_write_crowd_data(struct json_writer *w, const struct snapshot *snapshot)
{
    json_key(w, "picture");
    json_object_begin(w);
    json_put_int(w, "width", snapshot->width);
    json_put_int(w, "height", snapshot->height);
    json_object_end(w);
    json_put_string(w, "regime", regime_name(snapshot->regime));
    json_put_string(w, "degraded", snapshot->degraded);
    json_key(w, "health");
    health_write_json(w, &snapshot->health, false);
    for (size_t i = 0; i < MEASURE_COUNT; i++) {
        const struct measure_info *info = measure_info((enum measure_id)i);
        if ((info->scopes & SCOPE_STREAM) && i != MEASURE_DENSITY_MEAN && i != MEASURE_DENSITY_PEAK)
            put_measure(w, (enum measure_id)i, info->name, &snapshot->measures);
    }
    write_density(w, snapshot);
    write_motion(w, snapshot->motion);
    write_hotspots(w, snapshot);
    write_zones(w, snapshot);
    write_lines(w, snapshot);
    write_tracks(w, snapshot);
}

void snapshot_write_update(struct json_writer *w, const struct snapshot *snapshot)
{
    json_object_begin(w);
    json_put_string(w, "type", "stream_update");
    json_put_int(w, "schema", 1);
    json_put_string(w, "epoch", snapshot->epoch);
    json_put_int(w, "seq", snapshot->seq);
    json_put_string(w, "stream_id", snapshot->stream_id);
    json_put_time(w, "timestamp", snapshot->capture.wall_ns);
    json_put_time(w, "published", snapshot->published.wall_ns);
    json_key(w, "crowd_data");
    json_object_begin(w);
    snapshot_write_crowd_data(w, snapshot);
    json_object_end(w);
    json_object_end(w);
}
