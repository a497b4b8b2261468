/* What the files of picture_health share. Nobody else includes it. */
#ifndef SCI_VISION_PICTURE_HEALTH_INTERNAL_H
#define SCI_VISION_PICTURE_HEALTH_INTERNAL_H

#include "vision/picture_health.h"

enum {
    HEALTH_TILES_LEAST = 6, /* tiles with detail from which the picture is judged as a whole */
    HEALTH_EDGE_LOOKS = 20  /* until the camera's own sharpness is known */
};

/* picture_health_light.c: at every picture. */
struct picture_light {
    double deviation; /* in full range */
    bool black, dark, burnt;
};
void picture_light_sample(const struct picture *picture, uint8_t samples[HEALTH_SAMPLES]);
struct picture_light picture_light_look(const struct picture *picture, const uint8_t samples[HEALTH_SAMPLES],
                                        int dark_level);
/* Remembers the samples. True when the camera has shown the same for too long, or is stuck. */
bool picture_light_is_frozen(struct picture_health *health, const uint8_t samples[HEALTH_SAMPLES],
                             int64_t now_ns);

/* picture_health_sharpness.c: about once a second. True when the picture is blurred. */
bool picture_sharpness_look(struct picture_health *health, const struct picture_health_options *options,
                            const struct picture *picture, double deviation);
/*
 * Paint, a drop, a web before a part of the lens: blurred away for some looks while the rest is sharp. A
 * picture that is a little soft as a whole has such tiles too, but what they show is still found in them.
 */
uint64_t picture_sharpness_painted(const struct picture_health *health);
int picture_count_bits(uint64_t bits);

#endif
