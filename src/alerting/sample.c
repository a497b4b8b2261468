#include "alerting/sample.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void set_place(struct sample *sample, const char *id, unsigned scope, enum zone_kind kind,
                      const struct measure_set *measures)
{
    struct sample_place *place = &sample->places[sample->place_count++];
    text_copy(place->id, sizeof place->id, id);
    place->scope = scope;
    place->kind = kind;
    place->measures = *measures;
}

struct sample *sample_of_snapshot(const struct snapshot *snapshot)
{
    size_t places = 1 + snapshot->zone_count + snapshot->line_count;
    struct sample *sample = malloc(sizeof *sample + places * sizeof sample->places[0]);
    if (!sample)
        return NULL;
    text_copy(sample->stream_id, sizeof sample->stream_id, snapshot->stream_id);
    /* Black or frozen pictures are none: the camera is silent since the last that showed something. */
    sample->capture = snapshot->capture;
    sample->capture.mono_ns -= snapshot->blind_ns;
    sample->place_count = 0;
    set_place(sample, "", SCOPE_STREAM, ZONE_MOVING, &snapshot->measures);
    for (size_t i = 0; i < snapshot->zone_count; i++)
        set_place(sample, snapshot->zones[i].zone->id, SCOPE_ZONE, snapshot->zones[i].zone->kind,
                  &snapshot->zones[i].measures);
    for (size_t i = 0; i < snapshot->line_count; i++)
        set_place(sample, snapshot->lines[i].line->id, SCOPE_LINE, ZONE_MOVING, &snapshot->lines[i].measures);
    return sample;
}

const struct sample_place *sample_find(const struct sample *sample, const char *id)
{
    for (size_t i = 0; i < sample->place_count; i++)
        if (strcmp(sample->places[i].id, id) == 0)
            return &sample->places[i];
    return NULL;
}
