/*
 * The YOLO families without anchors. Each has one output in which strides 8, 16, 32 follow one another, rows
 * of cells from the top, probabilities already.
 *
 * YOLOv8, YOLO11: value k of box i is at k * N + i; cx, cy, w, h in input pixels, classes; no objectness.
 * YOLOX (github.com/Megvii-BaseDetection/YOLOX, demo_postprocess): a row per cell: box not decoded,
 * objectness, classes; centre = (o + cell) * stride, size = exp(o) * stride.
 */
#include <math.h>

#include "vision/family.h"

static const int strides[] = {8, 16, 32};

static size_t all_cells(const struct raw_outputs *outputs)
{
    size_t cells = 0;
    for (size_t i = 0; i < 3; i++)
        cells += grid_cells(outputs, strides[i]);
    return cells;
}

static bool fits(const struct raw_outputs *outputs, size_t rows, int64_t least_values)
{
    const struct tensor *t = &outputs->tensors[0];
    return outputs->count == 1 && t->rank == 3 && t->shape[0] == 1 && t->shape[1] == (int64_t)rows &&
           t->shape[2] >= least_values;
}

static void add_centred(struct candidate_list *list, float cx, float cy, float w, float h, float score)
{
    list->items[list->count++] = (struct candidate){cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2, score};
}

static bool yolov8_fits(const struct raw_outputs *outputs)
{
    const struct tensor *t = &outputs->tensors[0];
    return outputs->count == 1 && t->rank == 3 && t->shape[0] == 1 && t->shape[1] >= 5 &&
           t->shape[2] == (int64_t)all_cells(outputs);
}

static void yolov8_decode(const struct raw_outputs *outputs, float threshold, struct candidate_list *list)
{
    const float *data = outputs->tensors[0].data;
    size_t n = (size_t)outputs->tensors[0].shape[2];
    for (size_t i = 0; i < n; i++) {
        float score = data[4 * n + i];
        if (score >= threshold)
            add_centred(list, data[i], data[n + i], data[2 * n + i], data[3 * n + i], score);
    }
}

static bool yolox_fits(const struct raw_outputs *outputs)
{
    return fits(outputs, all_cells(outputs), 6);
}

static void yolox_decode(const struct raw_outputs *outputs, float threshold, struct candidate_list *list)
{
    const float *o = outputs->tensors[0].data;
    size_t row = (size_t)outputs->tensors[0].shape[2];
    for (size_t s = 0; s < 3; s++) {
        float stride = (float)strides[s];
        size_t columns = (size_t)((outputs->width + strides[s] - 1) / strides[s]),
               cells = grid_cells(outputs, strides[s]);
        for (size_t i = 0; i < cells; i++, o += row) {
            float score = o[4] * o[5];
            if (score >= threshold)
                add_centred(list, (o[0] + (float)(i % columns)) * stride,
                            (o[1] + (float)(i / columns)) * stride, expf(o[2]) * stride, expf(o[3]) * stride,
                            score);
        }
    }
}

/* value / 255, in RGB */
#define ULTRALYTICS_FORMAT                                                                                   \
    {                                                                                                        \
        .scale = {1 / 255.0F, 1 / 255.0F, 1 / 255.0F}, .grey = 114                                           \
    }

const struct family family_yolov8 = {
    .name = "yolov8",
    .needs = "one output 1x(4+CLASSES)xN, N the cells of strides 8, 16, 32 together",
    .step = 32,
    .format = ULTRALYTICS_FORMAT,
    .fits = yolov8_fits,
    .decode = yolov8_decode,
};

const struct family family_yolox = {
    .name = "yolox",
    .needs = "one output 1xNx(5+CLASSES), N the cells of strides 8, 16, 32 together",
    .step = 32,
    .format = {.bgr = true, .scale = {1, 1, 1}, .grey = 114, .top_left = true},
    .fits = yolox_fits,
    .decode = yolox_decode,
};
