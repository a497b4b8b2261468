/*
 * Whether a picture shows anything: one that is black, of one colour (a covered lens, a lost signal), or
 * frozen must not be taken for a place without people. Pure; one state per camera, zeros at the start; no
 * allocation.
 *
 * A grid of samples of the luma is looked at, not every pixel: 128 x 72 points, in the middle of equal cells.
 *
 *  - Black: 995 of 1000 samples below 32 of 255, and their standard deviation below 8. A lamp at night is
 * more.
 *  - One colour: standard deviation below 5. The sample clip's pictures have 50, fog about 10.
 *  - Frozen: every sample the same for PICTURE_FROZEN_NS of stream time. A camera's sensor has noise; only a
 * stuck encoder or a still gives the same bytes for so long.
 */
#ifndef SCI_VISION_PICTURE_HEALTH_H
#define SCI_VISION_PICTURE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/picture.h"

#define PICTURE_FROZEN_NS (10 * NS_PER_S)

enum { HEALTH_COLUMNS = 128, HEALTH_ROWS = 72 };

enum picture_fault { PICTURE_SOUND, PICTURE_BLACK, PICTURE_PLAIN, PICTURE_FROZEN };

struct picture_health {
    bool seen;
    int64_t changed_ns; /* stream time of the last picture that was not the same */
    uint8_t samples[HEALTH_ROWS * HEALTH_COLUMNS];
};

/* A look at the camera's next picture. */
enum picture_fault picture_health_look(struct picture_health *health, const struct picture *picture);

/* Why nothing can be measured: static text, one of core/measure.h; NULL for a sound picture. */
const char *picture_fault_reason(enum picture_fault fault);

#endif
