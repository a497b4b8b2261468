#include "pipeline/motion.h"

/* Pictures nearer together tell little, and cost as much; those further apart show another scene. */
#define SPAN_LEAST_NS (80 * NS_PER_MS)
#define SPAN_MOST_NS NS_PER_S

void picture_motion_free(struct picture_motion *motion)
{
    flow_destroy(&motion->flow);
}

static bool is_wanted(const struct stream_config *stream, bool is_dense)
{
    return stream->camera.kind != CAMERA_NONE &&
           (stream->motion.when == MOTION_ALWAYS || (stream->motion.when == MOTION_DENSE && is_dense));
}

int picture_motion_look(struct picture_motion *motion, const struct stream_config *stream,
                        const struct observation *o, bool is_dense, bool blind,
                        const struct motion_field **field, struct error *error)
{
    *field = NULL;
    if (!o->picture || !is_wanted(stream, is_dense))
        return 0;
    if (!motion->flow && !(motion->flow = flow_create(FLOW_AUTO)))
        return error_nomem(error, "motion");
    int64_t span = o->stream_ns - motion->last_ns;
    if (blind || span < 0 || span > SPAN_MOST_NS)
        flow_forget(motion->flow);
    else if (span < SPAN_LEAST_NS)
        return 0;
    if (blind)
        return 0;
    motion->last_ns = o->stream_ns;
    int result = flow_update(motion->flow, o->picture, field, error);
    return result == ERR_INVALID ? 0 : result; /* a picture too small to say anything */
}
