/* At every picture: whether it shows anything, how light it is, and whether it is another one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vision/picture_health_internal.h"

enum {
    DARK = 32,
    BRIGHT_SAMPLES_OF_BLACK = HEALTH_SAMPLES / 200,
    BRIGHT_SAMPLES_OF_DARK = HEALTH_SAMPLES / 20,
    BURNT = 250,
    BURNT_SAMPLES = HEALTH_SAMPLES * 6 / 10,
    STUCK_FAR = 12 /* levels a stuck picture's samples do not move by */
};
static const double BLACK_DEVIATION = 8;

void picture_light_sample(const struct picture *picture, uint8_t samples[HEALTH_SAMPLES])
{
    for (int r = 0; r < HEALTH_ROWS; r++) {
        int step, y = (int)(((int64_t)2 * r + 1) * picture->height / (2 * HEALTH_ROWS));
        const uint8_t *row = picture_luma_row(picture, y, &step);
        for (int c = 0; c < HEALTH_COLUMNS; c++) {
            int x = (int)(((int64_t)2 * c + 1) * picture->width / (2 * HEALTH_COLUMNS));
            *samples++ = row[(ptrdiff_t)x * step];
        }
    }
}

static bool has_limited_range(const struct picture *picture)
{
    bool rgb = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24;
    return !rgb && !picture->full_range;
}

static int stored_level(int level, bool limited)
{
    return limited ? 16 + level * 219 / 255 : level;
}

struct picture_light picture_light_look(const struct picture *picture, const uint8_t samples[HEALTH_SAMPLES],
                                        int dark_level)
{
    bool limited = has_limited_range(picture);
    int black = stored_level(DARK, limited), dark = stored_level(dark_level, limited);
    int burnt = stored_level(BURNT, limited), over_black = 0, over_dark = 0, over_burnt = 0;
    unsigned sum = 0, squares = 0;
    for (int i = 0; i < HEALTH_SAMPLES; i++) {
        unsigned v = samples[i];
        sum += v;
        squares += v * v;
        over_black += samples[i] >= black;
        over_dark += samples[i] >= dark;
        over_burnt += samples[i] >= burnt;
    }
    double mean = (double)sum / HEALTH_SAMPLES;
    double deviation =
        (limited ? 255.0 / 219 : 1) * sqrt(fmax(0, (double)squares / HEALTH_SAMPLES - mean * mean));
    return (struct picture_light){
        .deviation = deviation,
        .black = over_black <= BRIGHT_SAMPLES_OF_BLACK && deviation < BLACK_DEVIATION,
        .dark = over_dark <= BRIGHT_SAMPLES_OF_DARK,
        .burnt = over_burnt >= BURNT_SAMPLES,
    };
}

static void begin_count(struct picture_health *h, int64_t now_ns)
{
    memcpy(h->anchor, h->samples, sizeof h->anchor);
    h->anchor_ns = now_ns;
    h->pictures = h->same = 0;
}

static bool is_near_anchor(const struct picture_health *h)
{
    for (int i = 0; i < HEALTH_SAMPLES; i++)
        if (abs(h->samples[i] - h->anchor[i]) > STUCK_FAR)
            return false;
    return true;
}

/* Stuck before the encoder: hardly a picture differs from the one before, and none from the first. */
static bool is_stuck(struct picture_health *h, bool same, int64_t now_ns)
{
    h->pictures++;
    h->same += same;
    bool few_changes = h->pictures < 10 || h->same * 10 >= h->pictures * 9;
    if (!same && (!few_changes || !is_near_anchor(h)))
        begin_count(h, now_ns);
    return now_ns - h->anchor_ns >= PICTURE_STUCK_NS;
}

bool picture_light_is_frozen(struct picture_health *h, const uint8_t samples[HEALTH_SAMPLES], int64_t now_ns)
{
    bool known = h->seen && now_ns >= h->changed_ns;
    bool same = known && memcmp(samples, h->samples, sizeof h->samples) == 0;
    if (!same) {
        memcpy(h->samples, samples, sizeof h->samples);
        h->changed_ns = now_ns;
    }
    if (!known)
        begin_count(h, now_ns);
    h->seen = true;
    bool stuck = is_stuck(h, same, now_ns);
    return stuck || now_ns - h->changed_ns >= PICTURE_FROZEN_NS;
}
