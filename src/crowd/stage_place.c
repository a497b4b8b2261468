/* The people of a picture on the ground. */
#include <stdlib.h>

#include "base/clock.h"
#include "crowd/people.h"
#include "crowd/stage_density.h"
#include "crowd/stage_internal.h"

/* A person who was away for longer comes back as somebody new. */
static const int64_t FORGET_NS = 5 * NS_PER_S;

int stage_reserve(struct crowd_stage *s, size_t count, struct error *error)
{
    if (count <= s->capacity && s->placed) {
        return 0;
    }
    size_t capacity = s->capacity ? s->capacity : 64;
    while (capacity < count) {
        capacity *= 2;
    }
    struct placed *placed = realloc(s->placed, (capacity + GROUND_CELLS_MAX) * sizeof(*placed));
    s->placed = placed ? placed : s->placed;
    struct foot *feet = realloc(s->feet, capacity * sizeof(*feet));
    s->feet = feet ? feet : s->feet;
    double *inside = realloc(s->inside, capacity * (s->zone_count + 1) * sizeof(*inside));
    s->inside = inside ? inside : s->inside;
    if (!placed || !feet || !inside) {
        return error_nomem(error, "the people of a picture");
    }
    s->capacity = capacity;
    return 0;
}

/* The track's foot on the ground, unless somebody else has measured it. */
static void place_track(struct crowd_stage *s, const struct crowd_input *in, struct track *t,
                        struct foot *foot)
{
    foot->pixel = box_foot(t->box);
    foot->noise = box_foot_noise(t->box, in->height, t->coasted);
    foot->presence = track_presence(t);
    if (in->ground_is_given) {
        foot->presence = 1;
        return;
    }
    t->ground = (struct track_ground){0};
    t->ground.valid =
        view_is_calibrated(&s->view) && view_to_ground(&s->view, foot->pixel, &t->ground.position);
    t->ground.error_m = t->ground.valid ? view_ground_error(&s->view, foot->pixel, foot->noise) : 0;
}

static int follow_track(struct crowd_stage *s, const struct crowd_input *in, struct track *t,
                        struct foot *foot, struct error *error)
{
    struct person *person = people_touch(s->people, t->track_id, in->stream_ns, &foot->slot);
    if (!person) {
        return error_nomem(error, "a person's record");
    }
    if (t->ground.valid && !t->coasted) {
        person_add_position(person, in->stream_ns, t->ground.position);
    }
    person_age(person, in->stream_ns);
    t->ground.velocity_valid = t->ground.valid && person->velocity_valid;
    t->ground.velocity = t->ground.velocity_valid ? person->velocity : (struct point){0, 0};
    foot->speed_error = person->velocity_error;
    return 0;
}

int stage_place_all(struct crowd_stage *s, const struct crowd_input *in, size_t *placed, struct error *error)
{
    *placed = 0;
    people_forget(s->people, in->stream_ns - FORGET_NS);
    for (size_t i = 0; i < in->track_count; i++) {
        struct track *t = &in->tracks[i];
        place_track(s, in, t, &s->feet[i]);
        const int rc = follow_track(s, in, t, &s->feet[i], error);
        if (rc) {
            return rc;
        }
        if (t->ground.valid) {
            s->placed[*placed] =
                (struct placed){t->ground.position, t->ground.error_m, s->feet[i].presence, 0, 1};
            s->feet[i].placed = (*placed)++;
        }
    }
    return 0;
}
