/* The recorder's thread and its life. */
#include "media/recorder.h"

#include <stdlib.h>

#include "base/text.h"
#include "media/ffmpeg_error.h"
#include "media/recorder_internal.h"

/* The thread looks at the queue so often; a queue that is half full wakes it. */
#define TICK_NS (200 * NS_PER_MS)
#define TRIM_NS NS_PER_S
/* At the end, for clips whose time is not over. */
#define LAST_CLIPS_NS (2 * NS_PER_S)

/* ---- the thread ---- */

static struct recorder_item *take_items(struct recorder *r, bool *stopping)
{
    int64_t until = clock_monotonic_ns() + TICK_NS;
    struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};

    pthread_mutex_lock(&r->lock);
    if (!r->stopping)
        pthread_cond_timedwait(&r->wake, &r->lock, &t);
    struct recorder_item *items = r->first;
    r->first = NULL;
    r->end = &r->first;
    *stopping = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return items;
}

static void *recorder_main(void *user)
{
    struct recorder *r = user;
    bool stopping = false;

    recorder_try_again(r);
    clips_begin(r);
    while (!stopping) {
        struct recorder_item *next, *item = take_items(r, &stopping);

        for (; item; item = next) {
            next = item->next;
            recorder_take_item(r, item);
        }
        int64_t now = clock_monotonic_ns();
        if (!r->recording && now >= r->retry_ns)
            recorder_try_again(r);
        if (now - r->trimmed_ns >= TRIM_NS) {
            r->trimmed_ns = now;
            if (r->recording)
                recorder_watch_disk(r);
            else
                recorder_trim(r);
            recorder_show(r);
        }
        clips_take_asked(r);
        clips_make_one(r, false);
    }
    for (int64_t until = clock_monotonic_ns() + LAST_CLIPS_NS; clock_monotonic_ns() < until;)
        if (!clips_make_one(r, true))
            break;
    for (struct recorder_camera *c = r->active; c; c = c->next_active)
        recorder_end_segment(c);
    return NULL;
}

/* ---- life ---- */

static void destroy(struct recorder *r)
{
    for (struct recorder_item *next, *item = r->first; item; item = next) {
        next = item->next;
        recorder_free_item(item);
    }
    ring_destroy(&r->ring);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r->folder);
    free(r->clips_folder);
    free(r);
}

static void init_locks(struct recorder *r)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&r->lock, NULL);
}

int recorder_start(const struct recorder_options *options, struct recorder **recorder, struct error *error)
{
    struct recorder *r = calloc(1, sizeof *r);
    int failed;

    ffmpeg_init();
    *recorder = NULL;
    if (!r)
        return error_nomem(error, "recorder");
    init_locks(r);
    r->end = &r->first;
    r->options = *options;
    r->options.folder = r->folder = text_duplicate(options->folder);
    r->options.clips_folder = r->clips_folder = text_duplicate(options->clips_folder);
    if (r->folder && r->clips_folder)
        ring_create(r->folder, &r->ring, NULL);
    if (!r->ring) {
        destroy(r);
        return error_nomem(error, "recorder");
    }
    atomic_store(&r->paused, true);
    r->shown_ns = clock_monotonic_ns();
    failed = pthread_create(&r->thread, NULL, recorder_main, r);
    if (failed) {
        destroy(r);
        return error_set_errno(error, failed, "cannot start the recorder's thread");
    }
    r->thread_started = true;
    *recorder = r;
    return 0;
}

void recorder_stop(struct recorder **recorder)
{
    struct recorder *r = *recorder;

    *recorder = NULL;
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    destroy(r);
}
