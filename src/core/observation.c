#include "core/observation.h"

#include <stdlib.h>

void observation_release(struct observation *observation)
{
    picture_unref(&observation->picture);
    free(observation->detections);
    free(observation->positions);
    *observation = (struct observation){0};
}
