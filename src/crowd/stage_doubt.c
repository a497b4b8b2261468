/* Measures of a picture that shows nothing, or not all. */
#include "crowd/doubt.h"
#include "crowd/stage_internal.h"

void stage_invalidate(struct crowd_stage *s, const char *reason, struct snapshot *snapshot)
{
    doubt_all(&s->measures, reason);
    for (size_t i = 0; i < s->zone_count; i++) {
        doubt_all(&s->zone_states[i].measures, reason);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        doubt_all(&s->line_states[i].measures, reason);
    }
    snapshot->measures = s->measures;
    snapshot->hotspot_count = 0;
    snapshot->tracks = NULL;
    snapshot->track_count = 0;
    snapshot->grid = NULL;
    snapshot->map = NULL;
    snapshot->motion = NULL;
    snapshot->regime = REGIME_BOXES;
}

void stage_doubt(struct crowd_stage *s, const struct crowd_input *in, struct snapshot *snapshot)
{
    const struct health *health = in->health;
    doubt_stream(health, &snapshot->measures);
    for (size_t i = 0; i < s->zone_count; i++) {
        doubt_place(health, s->zone_tiles[i], &s->zone_states[i].measures);
    }
    for (size_t i = 0; i < s->line_count; i++) {
        doubt_place(health, s->line_tiles[i], &s->line_states[i].measures);
    }
    if (health_has(health, HEALTH_MOVED) || health_has(health, HEALTH_COVERED)) {
        snapshot->grid = NULL; /* a map with people missing or in wrong places is none */
        snapshot->hotspot_count = 0;
    }
    for (size_t i = 0; health_has(health, HEALTH_MOVED) && i < in->track_count; i++) {
        in->tracks[i].ground = (struct track_ground){0};
    }
}

void stage_add_view_lost(struct crowd_stage *s, const struct crowd_input *in, struct snapshot *snapshot)
{
    if (!in->health) {
        return;
    }
    snapshot->measures.of[MEASURE_VIEW_LOST] = doubt_view_lost(in->health, in->blind, ~UINT64_C(0));
    for (size_t i = 0; i < s->zone_count; i++) {
        s->zone_states[i].measures.of[MEASURE_VIEW_LOST] =
            doubt_view_lost(in->health, in->blind, s->zone_tiles[i]);
    }
}
