#include "core/detection.h"

static float least(float a, float b)
{
    return a < b ? a : b;
}

static float most(float a, float b)
{
    return a > b ? a : b;
}

float box_iou(struct box a, struct box b)
{
    float w = least(a.x + a.w, b.x + b.w) - most(a.x, b.x);
    float h = least(a.y + a.h, b.y + b.h) - most(a.y, b.y);
    if (!(w > 0 && h > 0))
        return 0;
    float common = w * h;
    return common / (a.w * a.h + b.w * b.h - common);
}
