/* At what size a picture is counted. */
#include <math.h>

#include "vision/density.h"

enum { LONG_SIDE_NATIVE = 1536, GROWTH_MAX = 2 };

/* A further factor, so that people have a size that was learned; `height`: of the input so far. */
static double fit_people(const struct density_view *view, double height, double most)
{
    double far_px = view->person_far * height, near_px = view->person_near * height;
    if (far_px > 0 && far_px < DENSITY_PERSON_LEAST)
        return fmin(fmin(GROWTH_MAX, most), DENSITY_PERSON_LEAST / far_px);
    if (near_px > DENSITY_PERSON_MOST)
        return fmax(0.5, DENSITY_PERSON_MOST / near_px);
    return 1;
}

int density_input_size(const struct density_view *view, int picture_width, int picture_height, int *width,
                       int *height, struct error *error)
{
    if (view->long_side < 0 || view->long_side > DENSITY_SIDE_MAX)
        return error_set(error, ERR_INVALID, "a long side of %d pixels: 1 to %d can be counted",
                         view->long_side, DENSITY_SIDE_MAX);
    double side = picture_width > picture_height ? picture_width : picture_height, factor = 1;
    if (view->long_side > 0)
        factor = view->long_side / side;
    else if (side < DENSITY_LONG_SIDE)
        factor = fmin(GROWTH_MAX, DENSITY_LONG_SIDE / side);
    else if (side > LONG_SIDE_NATIVE)
        factor = LONG_SIDE_NATIVE / side;
    if (view->long_side == 0)
        factor *= fit_people(view, picture_height * factor, fmax(1, GROWTH_MAX / factor));
    factor = fmin(factor, DENSITY_SIDE_MAX / side);
    *width = (int)fmax(1, rint(picture_width * factor));
    *height = (int)fmax(1, rint(picture_height * factor));
    return 0;
}
