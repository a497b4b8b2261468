/*
 * YOLOv5 (github.com/ultralytics/yolov5, models/yolo.py, class Detect): three boxes (anchors) per cell of
 * strides 8, 16, 32, as its two kinds of export give them.
 *
 * Decoded: one output 1 x N x (5 + classes), strides one after the other, in each the anchors, in each the
 * cells row by row: cx, cy, w, h in input pixels, objectness, classes, probabilities already. Older exports
 * give the heads as further outputs: they are not looked at.
 *
 * Heads: an output per stride, 1 x 3 x H x W x (5 + classes) or, before that was rearranged, 1 x 3 (5 +
 * classes) x H x W, in logits: centre = (2 s - 0.5 + cell) * stride, size = (2 s)^2 * anchor, s = sigmoid.
 * The anchors are those of the published models; a model trained with others of its own has to be exported
 * decoded.
 */
#include <math.h>

#include "vision/family.h"

enum { ANCHORS = 3, HEADS = 3, BOX_VALUES = 5 };

static const int strides[HEADS] = {8, 16, 32};
static const float anchors[HEADS][ANCHORS][2] = {
    {{10, 13}, {16, 30}, {33, 23}}, {{30, 61}, {62, 45}, {59, 119}}, {{116, 90}, {156, 198}, {373, 326}}};

static void add_centred(struct candidate_list *list, const float box[4], float score)
{
    list->items[list->count++] = (struct candidate){box[0] - box[2] / 2, box[1] - box[3] / 2,
                                                    box[0] + box[2] / 2, box[1] + box[3] / 2, score};
}

/* --- decoded --- */

static bool is_decoded(const struct raw_outputs *outputs)
{
    size_t cells = 0;
    for (size_t i = 0; i < HEADS; i++)
        cells += grid_cells(outputs, strides[i]);
    const struct tensor *t = &outputs->tensors[0];
    return (outputs->count == 1 || outputs->count == 1 + HEADS) && t->rank == 3 && t->shape[0] == 1 &&
           t->shape[1] == (int64_t)(ANCHORS * cells) && t->shape[2] > BOX_VALUES;
}

static void read_decoded(const struct tensor *t, float threshold, struct candidate_list *list)
{
    for (int64_t i = 0; i < t->shape[1]; i++) {
        const float *o = t->data + i * t->shape[2];
        float score = o[4] * o[5];
        if (score >= threshold)
            add_centred(list, o, score);
    }
}

/* --- heads --- */

/* Where value v of anchor a at cell c is: data[a * anchor + c * cell + v * value]. */
struct head {
    const float *data;
    size_t anchor, cell, value;
    int columns, rows, classes;
};

static bool find_head(const struct raw_outputs *outputs, size_t index, struct head *head)
{
    const struct tensor *t = &outputs->tensors[index];
    int columns = (outputs->width + strides[index] - 1) / strides[index];
    int rows = (outputs->height + strides[index] - 1) / strides[index];
    size_t cells = (size_t)columns * (size_t)rows;
    *head = (struct head){.data = t->data, .columns = columns, .rows = rows};
    if (t->rank == 5 && t->shape[0] == 1 && t->shape[1] == ANCHORS && t->shape[2] == rows &&
        t->shape[3] == columns) {
        head->classes = (int)t->shape[4] - BOX_VALUES;
        head->value = 1;
        head->cell = (size_t)t->shape[4];
        head->anchor = cells * head->cell;
    } else if (t->rank == 4 && t->shape[0] == 1 && t->shape[1] % ANCHORS == 0 && t->shape[2] == rows &&
               t->shape[3] == columns) {
        head->classes = (int)(t->shape[1] / ANCHORS) - BOX_VALUES;
        head->value = cells;
        head->cell = 1;
        head->anchor = (size_t)(t->shape[1] / ANCHORS) * cells;
    }
    return head->classes >= 1;
}

static bool has_heads(const struct raw_outputs *outputs)
{
    struct head first, head;
    if (outputs->count != HEADS || !find_head(outputs, 0, &first))
        return false;
    for (size_t i = 1; i < HEADS; i++)
        if (!find_head(outputs, i, &head) || head.classes != first.classes)
            return false;
    return true;
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static void read_cell(const struct head *head, size_t index, size_t anchor, size_t cell, float threshold,
                      struct candidate_list *list)
{
    const float *o = head->data + anchor * head->anchor + cell * head->cell;
    float score = sigmoid(o[4 * head->value]) * sigmoid(o[5 * head->value]);
    if (!(score >= threshold))
        return;
    float s[4], stride = (float)strides[index];
    for (size_t k = 0; k < 4; k++)
        s[k] = 2 * sigmoid(o[k * head->value]);
    float column = (float)(cell % (size_t)head->columns), row = (float)(cell / (size_t)head->columns);
    const float box[4] = {(s[0] - 0.5F + column) * stride, (s[1] - 0.5F + row) * stride,
                          s[2] * s[2] * anchors[index][anchor][0], s[3] * s[3] * anchors[index][anchor][1]};
    add_centred(list, box, score);
}

/* --- both --- */

static bool yolov5_fits(const struct raw_outputs *outputs)
{
    return outputs->count >= 1 && (is_decoded(outputs) || has_heads(outputs));
}

static void yolov5_decode(const struct raw_outputs *outputs, float threshold, struct candidate_list *list)
{
    struct head head;
    if (outputs->count != HEADS) {
        read_decoded(&outputs->tensors[0], threshold, list);
        return;
    }
    for (size_t i = 0; i < HEADS; i++) {
        (void)find_head(outputs, i, &head);
        for (size_t a = 0; a < ANCHORS; a++)
            for (size_t c = 0; c < (size_t)head.columns * (size_t)head.rows; c++)
                read_cell(&head, i, a, c, threshold, list);
    }
}

const struct family family_yolov5 = {
    .name = "yolov5",
    .needs =
        "one output 1xNx(5+CLASSES), N three times the cells of strides 8, 16, 32 together; or three outputs "
        "1x3xHxWx(5+CLASSES) or 1x(3*(5+CLASSES))xHxW, one a stride",
    .step = 32,
    .format = {.scale = {1 / 255.0F, 1 / 255.0F, 1 / 255.0F}, .grey = 114},
    .fits = yolov5_fits,
    .decode = yolov5_decode,
};
