/* A detection: a person's box in one picture. Pixels of the displayed picture. */
#ifndef SCI_CORE_DETECTION_H
#define SCI_CORE_DETECTION_H

struct box {
    float x, y, w, h;
};

struct detection {
    struct box box;
    float score; /* 0-1 */
};

float box_iou(struct box a, struct box b); /* intersection over union; 0 for empty boxes */

#endif
