#include "stage_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct camera_model stage_overlook(void)
{
    const double a = 40 * M_PI / 180;
    const double r[9] = {1, 0, 0, 0, -sin(a), -cos(a), 0, cos(a), -sin(a)};
    struct camera_model c = {
        .kind = CAMERA_PINHOLE, .width = STAGE_WIDTH, .height = STAGE_HEIGHT, .residual_m = (double)NAN};
    c.u.pinhole = (struct camera_pinhole){
        .width = STAGE_WIDTH, .height = STAGE_HEIGHT, .fx = 900, .fy = 900, .cx = 640, .cy = 360};
    memcpy(c.u.pinhole.r, r, sizeof(r));
    for (int i = 0; i < 3; i++) {
        c.u.pinhole.t[i] = -r[i * 3 + 2] * 8;
    }
    assert_int_equal(camera_prepare(&c, NULL), 0);
    return c;
}

struct track stage_person(const struct camera_model *camera, int64_t id, struct point ground)
{
    struct point foot;
    struct point head;
    assert_true(camera_to_image(camera, ground, 0, &foot));
    assert_true(camera_to_image(camera, ground, 1.7, &head));
    const float h = (float)(foot.y - head.y);
    return (struct track){
        .track_id = id, .box = {(float)foot.x - h / 7, (float)foot.y - h, h / 3.5F, h}, .score = 0.9F};
}

struct crowd_stage *stage_make(const struct camera_model *camera, const struct zone *zones, size_t zone_count)
{
    const struct crowd_options o = {
        .camera = camera, .zones = zones, .zone_count = zone_count, .cell_m = 0.5, .sigma_m = 0.6};
    struct crowd_stage *s = NULL;
    assert_int_equal(crowd_stage_create(&o, &s, NULL), 0);
    return s;
}

double stage_people_in(const struct density_grid *grid)
{
    double sum = 0;
    for (int i = 0; i < grid->columns * grid->rows; i++) {
        sum += isfinite(grid->values[i]) ? (double)grid->values[i] : 0;
    }
    return sum * grid->cell_m * grid->cell_m;
}
