#include "track/tracker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "track/stages.h"

/* Time between pictures when only one has been seen. */
#define FIRST_FRAME_S 0.1

static int check_params(const struct tracker_params *p, struct error *error)
{
    const struct {
        const char *name;
        double value, least, most;
    } checks[] = {
        {"high_score", p->high_score, 0, 1},        {"low_score", p->low_score, 0, 1},
        {"new_score", p->new_score, 0, 1},          {"iou_gate", p->iou_gate, 0, 1},
        {"confirm_hits", p->confirm_hits, 1, 1000}, {"coast_ns", (double)p->coast_ns, 0, 1e12},
        {"lost_ns", (double)p->lost_ns, 0, 1e12},   {"noise.centre", p->noise.centre, 1e-6, 10},
        {"noise.size", p->noise.size, 1e-6, 10},
    };
    for (size_t k = 0; k < sizeof checks / sizeof checks[0]; k++) {
        if (!(checks[k].value >= checks[k].least && checks[k].value <= checks[k].most)) {
            return error_set(error, ERR_INVALID, "tracker: %s is %g; wanted is %g to %g", checks[k].name,
                             checks[k].value, checks[k].least, checks[k].most);
        }
    }
    return 0;
}

int tracker_create(const struct tracker_params *params, struct tracker **tracker, struct error *error)
{
    *tracker = NULL;
    int rc = check_params(params, error);
    if (rc != 0) {
        return rc;
    }
    struct tracker *t = calloc(1, sizeof *t);
    if (t == NULL || (t->matching = matching_create()) == NULL) {
        free(t);
        return error_nomem(error, "tracker");
    }
    t->params = *params;
    t->time_ns = -1;
    t->next_id = 1;
    t->frame_s = FIRST_FRAME_S;
    *tracker = t;
    return 0;
}

void tracker_destroy(struct tracker **tracker)
{
    struct tracker *t = *tracker;
    if (t != NULL) {
        matching_destroy(t->matching);
        free(t->people);
        free(t->box_use);
        free(t->places);
        free(t->columns);
        free(t->rows);
        free(t->shifts);
        free(t->tracks);
        free(t->features);
        free(t);
        *tracker = NULL;
    }
}

/* *array (address of a pointer of any type) gets `count` elements; contents are kept. */
static bool resize(void *array, size_t count, size_t size)
{
    void *p;
    memcpy(&p, array, sizeof p);
    p = size > 0 && count > SIZE_MAX / size ? NULL : realloc(p, count * size + 1);
    if (p != NULL) {
        memcpy(array, &p, sizeof p);
    }
    return p != NULL;
}

static bool make_room(struct tracker *t, const struct tracker_input *input)
{
    size_t boxes = input->detection_count, people = t->person_count + boxes;
    if (boxes > t->box_capacity) {
        size_t n = boxes + boxes / 2 + 16;
        if (!resize(&t->box_use, n, sizeof *t->box_use) || !resize(&t->columns, n, sizeof *t->columns) ||
            !resize(&t->places, n, sizeof *t->places)) {
            return false;
        }
        t->box_capacity = n;
    }
    if (input->features != NULL && input->feature_size != t->feature_size) {
        if (!resize(&t->features, t->person_capacity, input->feature_size * sizeof *t->features)) {
            return false;
        }
        memset(t->features, 0, t->person_capacity * input->feature_size * sizeof *t->features);
        t->feature_size = input->feature_size;
    }
    if (people > t->person_capacity) {
        size_t n = people + people / 2 + 16;
        if (!resize(&t->people, n, sizeof *t->people) || !resize(&t->rows, n, sizeof *t->rows) ||
            !resize(&t->shifts, n, 2 * sizeof *t->shifts) || !resize(&t->tracks, n, sizeof *t->tracks) ||
            !resize(&t->features, n, t->feature_size * sizeof *t->features)) {
            return false;
        }
        t->person_capacity = n;
    }
    return true;
}

static int check_input(const struct tracker *t, const struct tracker_input *input, struct error *error)
{
    if (input->time_ns <= t->time_ns) {
        return error_set(error, ERR_INVALID, "tracker: time %.3f s does not follow %.3f s",
                         (double)input->time_ns * 1e-9, (double)t->time_ns * 1e-9);
    }
    for (size_t j = 0; j < input->detection_count; j++) {
        const struct detection *d = &input->detections[j];
        const float values[] = {d->box.x, d->box.y, d->box.w, d->box.h, d->score};
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            if (!isfinite(values[k])) {
                static const char *const names[] = {"x", "y", "w", "h", "score"};
                return error_set(error, ERR_INVALID, "tracker: detection %zu: %s is not finite", j, names[k]);
            }
        }
    }
    return 0;
}

static void sort_boxes_by_use(struct tracker *t, const struct tracker_input *input)
{
    for (size_t j = 0; j < input->detection_count; j++) {
        const struct detection *d = &input->detections[j];
        double score = (double)d->score;
        enum box_use use = score >= t->params.high_score  ? BOX_HIGH
                           : score >= t->params.low_score ? BOX_LOW
                                                          : BOX_IGNORED;
        t->box_use[j] = (unsigned char)(d->box.w > 0 && d->box.h > 0 ? use : BOX_IGNORED);
    }
}

/* A camera that moves has no fixed ground. */
static void place_boxes(struct tracker *t, const struct tracker_input *input)
{
    const struct camera_model *camera = input->motion == NULL ? input->camera : NULL;
    bool has_camera = camera != NULL && camera->kind != CAMERA_NONE;
    for (size_t j = 0; j < input->detection_count; j++) {
        bool wanted = has_camera && t->box_use[j] != BOX_IGNORED;
        t->places[j] =
            ground_place_of(wanted ? camera : NULL, input->detections[j].box, &t->params.ground_noise);
    }
    for (size_t i = 0; i < t->person_count && !has_camera; i++) {
        t->people[i].ground.valid = false;
    }
}

static void predict_people(struct tracker *t, const struct tracker_input *input)
{
    if (t->time_ns < 0) {
        return;
    }
    double seconds = (double)(input->time_ns - t->time_ns) / (double)NS_PER_S;
    t->frame_s =
        t->frame_s == FIRST_FRAME_S ? seconds : 0.9 * t->frame_s + 0.1 * fmin(seconds, 2 * t->frame_s);
    for (size_t i = 0; i < t->person_count; i++) {
        person_predict(&t->people[i], seconds, &t->params);
        if (input->motion != NULL) {
            person_move(&t->people[i], input->motion->a, input->motion->b);
        }
    }
}

static bool centre_inside(struct box b, int width, int height)
{
    float x = b.x + 0.5F * b.w, y = b.y + 0.5F * b.h;
    return x >= 0 && y >= 0 && x < (float)width && y < (float)height;
}

static struct box blend(struct box a, struct box b, double share)
{
    float s = (float)share, r = 1 - s;
    return (struct box){s * a.x + r * b.x, s * a.y + r * b.y, s * a.w + r * b.w, s * a.h + r * b.h};
}

static bool is_published(const struct tracker *t, const struct person *p, const struct tracker_input *input)
{
    if (!p->confirmed || p->found) {
        return p->confirmed;
    }
    return input->time_ns - p->seen_ns <= t->params.coast_ns &&
           centre_inside(p->predicted, input->width, input->height);
}

static size_t publish(struct tracker *t, const struct tracker_input *input)
{
    size_t n = 0;
    for (size_t i = 0; i < t->person_count; i++) {
        const struct person *p = &t->people[i];
        if (!is_published(t, p, input)) {
            continue;
        }
        struct box filtered = box_filter_box(&p->filter);
        struct track out = {
            .track_id = p->id,
            .box = p->found ? blend(filtered, p->seen, t->params.smoothing) : filtered,
            .score = p->score,
            .coasted = !p->found,
            .age_s = (double)(input->time_ns - p->born_ns) / (double)NS_PER_S,
        };
        out.velocity_px_valid = person_velocity(p, &out.velocity_px);
        size_t at = n++;
        for (; at > 0 && t->tracks[at - 1].track_id > out.track_id; at--) {
            t->tracks[at] = t->tracks[at - 1];
        }
        t->tracks[at] = out;
    }
    return n;
}

int tracker_update(struct tracker *t, const struct tracker_input *input, const struct track **tracks,
                   size_t *count, struct error *error)
{
    int rc = check_input(t, input, error);
    if (rc != 0) {
        return rc;
    }
    if (!make_room(t, input)) {
        return error_nomem(error, "tracker");
    }
    sort_boxes_by_use(t, input);
    predict_people(t, input);
    place_boxes(t, input);
    t->time_ns = input->time_ns;
    if (t->params.steadying > 0 && input->motion == NULL) {
        rc = stages_steady(t, input, error);
    }
    rc = rc != 0 ? rc : stages_run(t, input, error);
    if (rc == 0) {
        *count = publish(t, input);
        *tracks = t->tracks;
    }
    return rc;
}
