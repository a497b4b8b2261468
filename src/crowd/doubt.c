#include "crowd/doubt.h"

#include <string.h>

#include "geo/polygon.h"

enum { POINTS = 4, LINE_STEPS = 32 }; /* looked at along a tile's side, and along a line's piece */

static uint64_t tile_bit(int column, int row)
{
    bool inside = column >= 0 && row >= 0 && column < HEALTH_TILE_COLUMNS && row < HEALTH_TILE_ROWS;
    return inside ? UINT64_C(1) << (row * HEALTH_TILE_COLUMNS + column) : 0;
}

static uint64_t with_heads(uint64_t tiles)
{
    return tiles | tiles >> HEALTH_TILE_COLUMNS;
}

/* `p`: 0-1 of the picture. */
static bool zone_has(const struct view *view, const struct zone *zone, struct point p)
{
    if (zone->coordinates == COORDINATES_GROUND) {
        struct point pixel = {p.x * view->width, p.y * view->height};
        if (!view_is_calibrated(view) || !view_to_ground(view, pixel, &p))
            return false;
    }
    return polygon_contains(zone->corners, zone->corner_count, p);
}

static bool touches(const struct view *view, const struct zone *zone, int column, int row)
{
    for (int y = 0; y < POINTS; y++)
        for (int x = 0; x < POINTS; x++) {
            struct point p = {(column + (x + 0.5) / POINTS) / HEALTH_TILE_COLUMNS,
                              (row + (y + 0.5) / POINTS) / HEALTH_TILE_ROWS};
            if (zone_has(view, zone, p))
                return true;
        }
    return false;
}

uint64_t doubt_zone_tiles(const struct view *view, const struct zone *zone)
{
    uint64_t tiles = 0;
    for (int row = 0; row < HEALTH_TILE_ROWS; row++)
        for (int column = 0; column < HEALTH_TILE_COLUMNS; column++)
            if (touches(view, zone, column, row))
                tiles |= tile_bit(column, row);
    return with_heads(tiles);
}

uint64_t doubt_line_tiles(const struct view *view, const struct line *line)
{
    uint64_t tiles = 0;
    for (size_t i = 0; i + 1 < line->point_count; i++)
        for (int s = 0; s <= LINE_STEPS; s++) {
            double t = (double)s / LINE_STEPS;
            struct point a = line->points[i], b = line->points[i + 1];
            struct point p = {a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
            if (line->coordinates == COORDINATES_GROUND) {
                struct point pixel;
                if (!view_is_calibrated(view) || !view_to_image(view, p, &pixel))
                    continue;
                p = (struct point){pixel.x / view->width, pixel.y / view->height};
            }
            if (p.x >= 0 && p.y >= 0 && p.x < 1 && p.y < 1)
                tiles |= tile_bit((int)(p.x * HEALTH_TILE_COLUMNS), (int)(p.y * HEALTH_TILE_ROWS));
        }
    return with_heads(tiles);
}

static void invalidate(struct measure *measure, const char *reason)
{
    if (measure->valid || !measure->reason || strcmp(measure->reason, REASON_NOT_MEASURED) != 0)
        *measure = measure_invalid(reason);
}

void doubt_all(struct measure_set *set, const char *reason)
{
    for (size_t i = 0; i < MEASURE_COUNT; i++)
        invalidate(&set->of[i], reason);
}

/* What needs to follow people from picture to picture. */
static bool is_movement(enum measure_id id)
{
    static const enum measure_id movement[] = {
        MEASURE_SPEED_MEAN,    MEASURE_STANDING_SHARE,     MEASURE_STOP_AND_GO,    MEASURE_DWELL_MEAN,
        MEASURE_QUEUE_LENGTH,  MEASURE_QUEUE_WAIT,         MEASURE_EDIE_DENSITY,   MEASURE_EDIE_FLOW,
        MEASURE_EDIE_SPEED,    MEASURE_PRESSURE,           MEASURE_PRESSURE_RATIO, MEASURE_CONGESTION_NUMBER,
        MEASURE_CROWD_DANGER,  MEASURE_OSCILLATION,        MEASURE_FLOW_IN,        MEASURE_FLOW_OUT,
        MEASURE_FLOW_SPECIFIC, MEASURE_FLOW_CAPACITY_SHARE};
    for (size_t i = 0; i < sizeof movement / sizeof *movement; i++)
        if (movement[i] == id)
            return true;
    return false;
}

static void doubt_movement(const struct health *health, struct measure_set *set)
{
    if (!health_has(health, HEALTH_LOW_RATE))
        return;
    for (int i = 0; i < MEASURE_COUNT; i++)
        if (is_movement((enum measure_id)i))
            invalidate(&set->of[i], health_info(HEALTH_LOW_RATE)->reason);
}

void doubt_stream(const struct health *health, struct measure_set *set)
{
    doubt_movement(health, set);
    if (health_has(health, HEALTH_MOVED))
        for (int i = 0; i < MEASURE_COUNT; i++)
            if (i != MEASURE_PEOPLE)
                invalidate(&set->of[i], health_info(HEALTH_MOVED)->reason);
    if (health_has(health, HEALTH_COVERED))
        doubt_all(set, health_info(HEALTH_COVERED)->reason);
}

void doubt_place(const struct health *health, uint64_t tiles, struct measure_set *set)
{
    doubt_movement(health, set);
    if (health_has(health, HEALTH_MOVED))
        doubt_all(set, health_info(HEALTH_MOVED)->reason);
    if (health_has(health, HEALTH_COVERED) && (tiles & health->covered) != 0)
        doubt_all(set, health_info(HEALTH_COVERED)->reason);
}

static int count_bits(uint64_t bits)
{
    int count = 0;
    for (; bits; bits &= bits - 1)
        count++;
    return count;
}

struct measure doubt_view_lost(const struct health *health, const char *blind, uint64_t tiles)
{
    tiles &= (UINT64_C(1) << HEALTH_TILES) - 1;
    if (health_has(health, HEALTH_BLACK) || health_has(health, HEALTH_PLAIN) ||
        health_has(health, HEALTH_FROZEN))
        return measure_invalid(health_info(health_worst(health->flags))->reason);
    if (health_has(health, HEALTH_DARK) || health_has(health, HEALTH_OVEREXPOSED) ||
        health_has(health, HEALTH_BLURRED))
        return measure_exact(100);
    if (blind && !health_has(health, HEALTH_SPARSE))
        return measure_invalid(blind);
    if (tiles == 0)
        return measure_invalid(REASON_NOT_VISIBLE);
    return measure_exact(100.0 * count_bits(tiles & health->covered) / count_bits(tiles));
}
