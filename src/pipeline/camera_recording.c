/* Whether what a camera gives is recorded. */
#include "base/clock.h"
#include "media/recorder.h"
#include "pipeline/camera.h"

/* A break of more than this between two pictures is the camera's own, and no time without recording. */
#define STEP_MOST_NS (2 * NS_PER_S)

struct measure camera_unrecorded(struct camera *camera, int64_t now_ns)
{
    struct recorder_stream_state state;
    int64_t step_ns = now_ns - camera->unrecorded_at_ns;
    bool first = camera->unrecorded_at_ns == 0;
    if (!camera->shared->recorder || !camera->stream->record)
        return measure_invalid(REASON_NOT_RECORDED);
    recorder_get_stream(camera->shared->recorder, camera->stream->stream_id, &state);
    camera->unrecorded_at_ns = now_ns;
    if (!state.open) /* it is being opened, or what it gives is no video that could be kept */
        return measure_invalid(REASON_NOT_MEASURED);
    if (state.recording || first)
        camera->unrecorded_ns = 0;
    else
        camera->unrecorded_ns += step_ns < STEP_MOST_NS ? step_ns : STEP_MOST_NS;
    return measure_exact((double)camera->unrecorded_ns / 1e9);
}
