/*
 * One set of parameters per kind of detector: what scores and boxes mean differs between them, people do not.
 * docs/tracking.md says how they were found and what they reach on sequences that had no part in it.
 */
#include <string.h>

#include "base/clock.h"
#include "track/tracker.h"

/* Scores seen before the kind is decided, and the score below which a list has not been cut at 0.5. */
enum { GUESS_SCORES = 100 };
#define GUESS_SCORE 0.4F

static const char *const names[DETECTOR_COUNT] = {"nanodet", "yolox", "frcnn"};

#define GROUND                                                                                               \
    .ground_weight = 0.15, .ground_gate = 36,                                                                \
    .ground_noise = {.acceleration = 0.5, .start_velocity = 2, .foot_x = 0.07, .foot_y = 0.1}

static const struct tracker_params nanodet = {
    .high_score = 0.5,
    .low_score = 0.2,
    .new_score = 0.6,
    .iou_gate = 0.1,
    .confirm_hits = 3,
    .coast_ns = 600 * NS_PER_MS,
    .lost_ns = 3 * NS_PER_S,
    .low_gate = 0.3,
    .tentative_gate = 0.14,
    .wide_gate = 0.1,
    .widening = 0.3,
    .score_weight = 0.9,
    .height_weight = 1,
    .direction_weight = 0.15,
    .lost_weight = 0,
    .low_lost_s = 0.5,
    .new_overlap = 0.7,
    .duplicate_overlap = 0.95,
    .doubt = 8,
    .smoothing = 0.5,
    .steadying = 0,
    .feature_weight = 0.3,
    GROUND,
    .noise = {.acceleration = 0.25,
              .size_acceleration = 0.05,
              .centre = 0.05,
              .size = 0.065,
              .start_velocity = 1.4,
              .start_size_velocity = 0.04},
};

static const struct tracker_params yolox = {
    .high_score = 0.67,
    .low_score = 0.1,
    .new_score = 0.67,
    .iou_gate = 0.1,
    .confirm_hits = 2,
    .coast_ns = 400 * NS_PER_MS,
    .lost_ns = 2500 * NS_PER_MS,
    .low_gate = 0.45,
    .tentative_gate = 0.4,
    .wide_gate = 0.1,
    .widening = 0.2,
    .score_weight = 1.3,
    .height_weight = 1.3,
    .direction_weight = 0.03,
    .lost_weight = 0.05,
    .low_lost_s = 0.05,
    .new_overlap = 0.43,
    .duplicate_overlap = 0.9,
    .doubt = 6.7,
    .smoothing = 0.3,
    .steadying = 0.75,
    .feature_weight = 0.3,
    GROUND,
    .noise = {.acceleration = 0.45,
              .size_acceleration = 0.07,
              .centre = 0.067,
              .size = 0.06,
              .start_velocity = 1.2,
              .start_size_velocity = 0.3},
};

static const struct tracker_params frcnn = {
    .high_score = 0.58,
    .low_score = 0.2,
    .new_score = 0.91,
    .iou_gate = 0.4,
    .confirm_hits = 2,
    .coast_ns = 0,
    .lost_ns = 2500 * NS_PER_MS,
    .low_gate = 0.3,
    .tentative_gate = 0.22,
    .wide_gate = 0.27,
    .widening = 0.3,
    .score_weight = 0.3,
    .height_weight = 1.35,
    .direction_weight = 0.03,
    .lost_weight = 0,
    .low_lost_s = 0.2,
    .new_overlap = 0.6,
    .duplicate_overlap = 0.8,
    .doubt = 3.3,
    .smoothing = 0.58,
    .steadying = 0.4,
    .feature_weight = 0.3,
    GROUND,
    .noise = {.acceleration = 0.5,
              .size_acceleration = 0.1,
              .centre = 0.094,
              .size = 0.043,
              .start_velocity = 2,
              .start_size_velocity = 0.12},
};

struct tracker_params tracker_default_params(void)
{
    return nanodet;
}

struct tracker_params tracker_params_for(enum detector_kind kind)
{
    switch (kind) {
    case DETECTOR_YOLOX:
        return yolox;
    case DETECTOR_FRCNN:
        return frcnn;
    default:
        return nanodet;
    }
}

const char *detector_kind_name(enum detector_kind kind)
{
    return names[kind];
}

int detector_kind_parse(const char *name, enum detector_kind *kind)
{
    for (int k = 0; k < DETECTOR_COUNT; k++) {
        if (strcmp(names[k], name) == 0) {
            *kind = (enum detector_kind)k;
            return 0;
        }
    }
    return ERR_INVALID;
}

enum detector_kind detector_kind_guess(const float *scores, size_t count)
{
    for (size_t i = 0; i < count && i < GUESS_SCORES; i++) {
        if (scores[i] < GUESS_SCORE) {
            return DETECTOR_YOLOX;
        }
    }
    return DETECTOR_FRCNN;
}
