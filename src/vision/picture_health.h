/*
 * What is wrong with a camera's pictures: whether they show anything, are sharp, light enough, and still show
 * what they showed. Pure; one state per camera, zeros at the start; no allocation. Which measures suffer is
 * said by core/health.h.
 *
 * Every picture, on a grid of 128 x 72 samples of the luma:
 *
 *  - Black: 995 of 1000 samples below 32 of 255, and their standard deviation below 8. A lamp at night is
 *    more.
 *  - One colour: standard deviation below 5. The sample clip's pictures have 50, fog about 10.
 *  - Frozen: every sample the same for PICTURE_FROZEN_NS of stream time. A camera's sensor has noise; only a
 *    stuck encoder or a still gives the same bytes for so long. A stuck sensor before a working encoder
 *    changes a little at every key frame: frozen too when, over PICTURE_STUCK_NS, nine pictures in ten were
 *    the same as the one before and no sample went far.
 *  - Too dark: 95 of 100 samples below `dark_level`. Over-exposed: 60 of 100 at the top of the range.
 *
 * Once a second in the mean (PICTURE_LOOK_NS), at uneven times:
 *
 *  - Blurred: most tiles that had sharp edges (edges.h) have lost a good part of their sharpness against the
 *    camera's own best, or from the start no tile has edges as sharp as an image can be expected to have.
 *  - Covered: tiles whose detail has gone (view_watch.h), or is blurred away, while the rest is as it was.
 *  - Moved: the background is elsewhere by more than `moved_share` of the width, or not there at all.
 *
 * Black and one colour count at once (`fault`); everything becomes a flag only after it has lasted, and ends
 * only after it has been away (docs/cameras.md has the times). While the picture shows nothing the other
 * flags stay as they were.
 */
#ifndef SCI_VISION_PICTURE_HEALTH_H
#define SCI_VISION_PICTURE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/health.h"
#include "core/picture.h"
#include "vision/edges.h"
#include "vision/view_watch.h"

#define PICTURE_FROZEN_NS (10 * NS_PER_S)
#define PICTURE_STUCK_NS (30 * NS_PER_S)
#define PICTURE_LOOK_NS (1 * NS_PER_S)

enum { HEALTH_COLUMNS = 128, HEALTH_ROWS = 72, HEALTH_SAMPLES = HEALTH_COLUMNS * HEALTH_ROWS };

struct picture_health_options {
    double moved_share;   /* of the picture's width */
    double covered_share; /* of the tiles that have detail */
    double blur_share;    /* of the sharpness that the camera had */
    int dark_level;       /* of 255 */
    unsigned ignored;     /* flags that are never raised: bits of enum health_flag */
};
extern const struct picture_health_options picture_health_defaults;

/* A condition and the flag it makes. */
struct health_hold {
    bool up, against; /* the flag; whether the condition says otherwise since: */
    int64_t since_ns;
};

struct picture_health { /* picture_health.c alone knows what it means */
    bool seen;
    int64_t changed_ns; /* stream time of the last picture that was not the same */
    int64_t look_ns;    /* of the last look at the view */
    int64_t next_look_ns;
    unsigned look_count;
    uint8_t samples[HEALTH_SAMPLES];
    uint8_t anchor[HEALTH_SAMPLES]; /* samples when the count of the same ones began */
    int64_t anchor_ns;
    int pictures, same;                                      /* since then */
    float sharpness[HEALTH_TILES], edge_count[HEALTH_TILES]; /* the camera's own past */
    int edge_looks;
    uint8_t soft_looks[HEALTH_TILES]; /* for which the tile has been blurred away */
    struct view_watch view;
    struct health_hold holds[HEALTH_FLAG_COUNT];
    struct picture_diagnosis {
        double sharpness;         /* mean over the tiles with edges; 0 without any */
        double blurred_share;     /* of the tiles that had edges */
        struct view_finding view; /* of the last look */
        uint64_t obscured;        /* covered or blurred away while the rest is not */
    } last;
};

struct picture_finding {
    enum health_flag fault; /* of this very picture: black, plain or frozen; HEALTH_FLAG_COUNT = none */
    unsigned flags;         /* what has lasted: bits of enum health_flag */
    uint64_t covered;       /* tiles, while HEALTH_COVERED is up */
    double shift;           /* of the view, share of the width; NaN while it cannot be told */
};

/* A look at the camera's next picture. */
void picture_health_look(struct picture_health *health, const struct picture_health_options *options,
                         const struct picture *picture, struct picture_finding *finding);
/* The view as it is now is the right one. */
void picture_health_accept_view(struct picture_health *health);

/* What the camera's view and sharpness are judged by, for a process after this one. */
struct health_memory {
    struct view_reference view;
    float sharpness[HEALTH_TILES], edge_count[HEALTH_TILES];
    int32_t edge_looks;
};
/* How often the view was learnt: another number, and what is remembered has changed. */
unsigned picture_health_learnt(const struct picture_health *health);
/* False while it is being learnt, and while something is wrong with the picture. */
bool picture_health_remember(const struct picture_health *health, struct health_memory *memory);
/* Before the first look. `recent`: see view_watch_recall. */
void picture_health_recall(struct picture_health *health, const struct health_memory *memory, bool recent);

/* A condition over time: the flag goes up after `on_ns` of it, down after `off_ns` without. */
bool health_hold_update(struct health_hold *hold, bool condition, int64_t now_ns, int64_t on_ns,
                        int64_t off_ns);

#endif
