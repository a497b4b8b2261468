/* What others see of the recorder. */
#include <string.h>

#include "base/text.h"
#include "media/recorder_internal.h"

/* A call of the disk that takes so long has not failed, and has not written anything either. */
#define STUCK_NS (10 * NS_PER_S)
static const char stuck[] = "the disk does not answer";

/* With the lock held. */
static bool is_stuck(const struct recorder *r)
{
    return clock_monotonic_ns() - r->shown_ns > STUCK_NS;
}

static void show_camera(struct recorder *r, struct recorder_camera *camera)
{
    struct recorder_stream_state *s = &camera->shown;
    struct ring_segment all = {0};

    ring_span(r->ring, camera->stream_id, &all);
    s->recording = camera->segment != NULL;
    s->open = true;
    s->bytes = all.bytes, s->oldest_ns = all.start_ns, s->newest_ns = all.end_ns;
    if (s->recording)
        s->reason[0] = '\0';
    else if (!r->recording)
        text_copy(s->reason, sizeof s->reason, r->state.reason);
    else if (camera->problem[0])
        text_copy(s->reason, sizeof s->reason, camera->problem);
    else
        text_copy(s->reason, sizeof s->reason, "waits for a key frame");
}

void recorder_show(struct recorder *r)
{
    size_t streams = 0;

    for (struct recorder_camera *c = r->active; c; c = c->next_active) {
        if (c->segment)
            recorder_flush_segment(c);
        streams += c->segment != NULL;
    }
    pthread_mutex_lock(&r->lock);
    r->shown_ns = clock_monotonic_ns();
    for (struct recorder_camera *c = r->cameras; c; c = c->next)
        c->shown.recording = c->shown.open = false,
        text_copy(c->shown.reason, sizeof c->shown.reason, "no video comes");
    /* One that has been detached is in `active` until the thread has heard of it. */
    for (struct recorder_camera *c = r->active; c; c = c->next_active)
        show_camera(r, c);
    r->state.bytes = ring_bytes(r->ring);
    r->state.segments = (int64_t)ring_count(r->ring);
    r->state.streams = streams;
    r->state.clips_waiting = r->job_count + r->asked_count;
    pthread_mutex_unlock(&r->lock);
}

void recorder_get_state(struct recorder *r, struct recorder_state *state)
{
    pthread_mutex_lock(&r->lock);
    *state = r->state;
    if (is_stuck(r)) {
        state->recording = false;
        text_copy(state->reason, sizeof state->reason, stuck);
    }
    pthread_mutex_unlock(&r->lock);
}

void recorder_get_stream(struct recorder *r, const char *stream_id, struct recorder_stream_state *state)
{
    *state = (struct recorder_stream_state){.reason = "it is not open"};
    pthread_mutex_lock(&r->lock);
    for (const struct recorder_camera *c = r->cameras; c; c = c->next)
        if (strcmp(c->stream_id, stream_id) == 0)
            *state = c->shown;
    if (state->open && is_stuck(r)) {
        state->recording = false;
        text_copy(state->reason, sizeof state->reason, stuck);
    }
    pthread_mutex_unlock(&r->lock);
}
