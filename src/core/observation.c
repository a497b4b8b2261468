#include "core/observation.h"

#include <stdlib.h>

const char *observation_kind_name(enum observation_kind kind)
{
    static const char *const names[] = {"pictures", "detections", "positions"};
    return names[kind];
}

void observation_release(struct observation *observation)
{
    picture_unref(&observation->picture);
    free(observation->detections);
    free(observation->positions);
    *observation = (struct observation){0};
}
