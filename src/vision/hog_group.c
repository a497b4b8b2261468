#include "vision/hog_group.h"

#include "vision/suppression.h"

/* Overlaps (intersection over union) from which on a window belongs to a person, and has a say in their box.
 */
static const float same_person = 0.4F, same_place = 0.6F;

struct mean {
    double x, y, w, h, weight;
};

static void add(struct mean *m, const struct detection *d)
{
    double weight = (double)d->score * (double)d->score;
    m->x += weight * (double)d->box.x;
    m->y += weight * (double)d->box.y;
    m->w += weight * (double)d->box.w;
    m->h += weight * (double)d->box.h;
    m->weight += weight;
}

/* The first of `windows` and those that belong to it become one person; returns how many windows are left. */
static size_t take_one(struct detection *windows, size_t count, struct detection *person)
{
    const struct detection best = windows[0];
    struct mean m = {0};
    size_t left = 0;
    add(&m, &best);
    for (size_t i = 1; i < count; i++) {
        float iou = box_iou(best.box, windows[i].box);
        if (iou >= same_place)
            add(&m, &windows[i]);
        if (iou < same_person)
            windows[left++] = windows[i];
    }
    person->box = (struct box){(float)(m.x / m.weight), (float)(m.y / m.weight), (float)(m.w / m.weight),
                               (float)(m.h / m.weight)};
    person->score = best.score;
    return left;
}

size_t hog_group(struct detection *windows, size_t count, struct detection *people)
{
    size_t found = 0;
    detections_sort(windows, count);
    while (count > 0)
        count = take_one(windows, count, &people[found++]);
    return found;
}
