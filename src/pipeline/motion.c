#include "pipeline/motion.h"

/* Pictures nearer together tell little, and cost as much; those further apart show another scene. */
#define SPAN_LEAST_NS (80 * NS_PER_MS)
#define SPAN_MOST_NS NS_PER_S

void picture_motion_free(struct picture_motion *motion)
{
    flow_destroy(&motion->flow);
    vector_motion_destroy(&motion->vectors);
}

static bool is_wanted(const struct stream_config *stream, bool is_dense)
{
    return stream->camera.kind != CAMERA_NONE &&
           (stream->motion.when == MOTION_ALWAYS || (stream->motion.when == MOTION_DENSE && is_dense));
}

bool picture_motion_may_use_vectors(const struct stream_config *stream)
{
    return stream->motion.source == MOTION_VECTORS && is_wanted(stream, true);
}

/* Starts anew with the next picture. */
static void forget(struct picture_motion *motion)
{
    if (motion->flow)
        flow_forget(motion->flow);
    if (motion->vectors)
        vector_motion_forget(motion->vectors);
}

static int look_at_vectors(struct picture_motion *motion, const struct picture *picture,
                           const struct motion_field **field, struct error *error)
{
    if (!motion->vectors && !(motion->vectors = vector_motion_create()))
        return error_nomem(error, "motion");
    if (motion->flow)
        flow_forget(motion->flow);
    return vector_motion_update(motion->vectors, picture, field, error);
}

static int look_at_flow(struct picture_motion *motion, const struct picture *picture,
                        const struct motion_field **field, struct error *error)
{
    if (!motion->flow && !(motion->flow = flow_create(FLOW_AUTO)))
        return error_nomem(error, "motion");
    if (motion->vectors)
        vector_motion_forget(motion->vectors);
    int result = flow_update(motion->flow, picture, field, error);
    return result == ERR_INVALID ? 0 : result; /* a picture too small to say anything */
}

int picture_motion_look(struct picture_motion *motion, const struct stream_config *stream,
                        const struct observation *o, bool is_dense, bool blind,
                        const struct motion_field **field, struct error *error)
{
    bool wanted = o->picture && is_wanted(stream, is_dense);
    *field = NULL;
    atomic_store_explicit(&motion->vectors_wanted, wanted && picture_motion_may_use_vectors(stream),
                          memory_order_relaxed);
    if (!wanted)
        return 0;
    int64_t span = o->stream_ns - motion->last_ns;
    if (blind || span < 0 || span > SPAN_MOST_NS)
        forget(motion);
    else if (span < SPAN_LEAST_NS)
        return 0;
    if (blind)
        return 0;
    motion->last_ns = o->stream_ns;
    /* A coder that gives none, or a device that decodes: optical flow stands in. */
    return o->picture->motion && picture_motion_may_use_vectors(stream)
               ? look_at_vectors(motion, o->picture, field, error)
               : look_at_flow(motion, o->picture, field, error);
}
