#include "vision/suppression.h"

#include <stdbool.h>

/* Total order: two detections that compare equal are equal. */
static bool comes_before(const struct detection *a, const struct detection *b)
{
    if (a->score != b->score)
        return a->score > b->score;
    if (a->box.y != b->box.y)
        return a->box.y < b->box.y;
    if (a->box.x != b->box.x)
        return a->box.x < b->box.x;
    if (a->box.h != b->box.h)
        return a->box.h < b->box.h;
    return a->box.w < b->box.w;
}

static void swap(struct detection *a, struct detection *b)
{
    struct detection t = *a;
    *a = *b;
    *b = t;
}

/* Heap with the last in order on top. */
static void sift_down(struct detection *d, size_t root, size_t count)
{
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && comes_before(&d[child], &d[child + 1]))
            child++;
        if (!comes_before(&d[root], &d[child]))
            return;
        swap(&d[root], &d[child]);
    }
}

void detections_sort(struct detection *d, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(d, i, count);
    for (size_t end = count; end > 1; end--) {
        swap(&d[0], &d[end - 1]);
        sift_down(d, 0, end - 1);
    }
}

static bool overlaps_any(const struct detection *kept, size_t count, struct box box, float iou)
{
    for (size_t i = 0; i < count; i++)
        if (box_iou(kept[i].box, box) > iou)
            return true;
    return false;
}

size_t detections_suppress(struct detection *d, size_t count, float iou)
{
    detections_sort(d, count);
    if (count > SUPPRESSION_MAX)
        count = SUPPRESSION_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (d[i].box.w > 0 && d[i].box.h > 0 && !overlaps_any(d, kept, d[i].box, iou))
            d[kept++] = d[i];
    return kept;
}
