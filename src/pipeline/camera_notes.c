/* What a source says beside its observations: counted, shown for a while, and logged now and then. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "pipeline/camera.h"

#define SHOWN_NS (60 * NS_PER_S)
#define LOG_EVERY_NS (10 * NS_PER_S)

void camera_take_note(void *user, enum source_note note, const char *text)
{
    struct camera *camera = user;
    struct stream_status *s = &camera->status;
    struct camera_notes *notes = &camera->notes;
    int64_t now = clock_monotonic_ns();
    pthread_mutex_lock(&camera->shared->lock);
    s->refused += note == SOURCE_REFUSED;
    s->skipped += note == SOURCE_SKIPPED;
    text_copy(s->note, sizeof s->note, text);
    notes->told_ns = now;
    notes->unlogged++;
    bool log = notes->logged_ns == 0 || now - notes->logged_ns > LOG_EVERY_NS;
    int64_t more = notes->unlogged - 1;
    if (log) {
        notes->logged_ns = now;
        notes->unlogged = 0;
    }
    pthread_mutex_unlock(&camera->shared->lock);
    if (log)
        log_warning("pipeline", "stream %s: %s%s (%lld more since the last such line)",
                    camera->stream->stream_id,
                    note == SOURCE_REFUSED   ? "refused: "
                    : note == SOURCE_SKIPPED ? "skipped: "
                                             : "",
                    text, (long long)more);
}

void camera_get_notes(const struct camera *camera, int64_t now_ns, struct stream_status *status)
{
    if (camera->notes.told_ns == 0 || now_ns - camera->notes.told_ns > SHOWN_NS)
        status->note[0] = '\0';
}
