/* The recorder's thread and its life. */
#include "media/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "media/ffmpeg_error.h"
#include "media/recorder_internal.h"

/* The thread looks at the queue so often; a queue that is half full wakes it. */
#define TICK_NS (200 * NS_PER_MS)
#define TRIM_NS NS_PER_S
#define RETRY_NS (3 * NS_PER_S)
/* At the end, for clips whose time is not over. */
#define LAST_CLIPS_NS (2 * NS_PER_S)

/* ---- the disk ---- */

static void set_recording(struct recorder *r, bool recording, const char *reason)
{
    bool changed;

    r->recording = recording;
    atomic_store(&r->paused, !recording);
    pthread_mutex_lock(&r->lock);
    changed = r->state.recording != recording || strcmp(r->state.reason, reason) != 0;
    r->state.recording = recording;
    text_copy(r->state.reason, sizeof r->state.reason, reason);
    pthread_mutex_unlock(&r->lock);
    if (changed && r->options.on_state)
        r->options.on_state(r->options.user, recording, reason);
}

void recorder_disk_failed(struct recorder *r, const char *reason)
{
    r->retry_ns = clock_monotonic_ns() + RETRY_NS;
    r->recording = false;
    for (struct recorder_camera *c = r->active; c; c = c->next_active)
        recorder_end_segment(c);
    set_recording(r, false, reason);
}

/* An eighth more than is needed, so that it does not stop and start for every file that comes and goes. */
static int check_room(const struct recorder *r, bool stopped, struct error *error)
{
    int64_t needed = r->options.free_bytes + (stopped ? r->options.free_bytes / 8 : 0);
    int64_t left = file_free_bytes(r->folder);

    if (left < 0 || left >= needed)
        return 0;
    return error_set(error, ERR_FULL, "%s: the disk is full: %lld MB left, %lld MB are for others", r->folder,
                     (long long)(left >> 20), (long long)(r->options.free_bytes >> 20));
}

static int try_to_write(const struct recorder *r, struct error *error)
{
    static const char bytes[4096];
    char path[RING_PATH_MAX];
    int failed = 0;

    path_join(path, sizeof path, r->folder, ".room");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", r->folder);
    if (write(fd, bytes, sizeof bytes) != (ssize_t)sizeof bytes)
        failed = errno ? errno : ENOSPC;
    if (close(fd) != 0 && !failed)
        failed = errno;
    unlink(path);
    return failed ? error_set_errno(error, failed, "%s", r->folder) : 0;
}

static struct ring_limits limits_of(const struct recorder *r)
{
    const struct recorder_options *o = &r->options;

    return (struct ring_limits){.keep_ns = o->keep_ns,
                                .least_ns = o->before_ns + o->after_ns + 2 * o->segment_ns,
                                .bytes_camera = o->bytes_camera,
                                .bytes_all = o->bytes_all,
                                .free_bytes = o->free_bytes};
}

static void trim(struct recorder *r)
{
    struct ring_limits limits = limits_of(r);

    ring_trim(r->ring, &limits, clock_wall_ns());
}

static void try_again(struct recorder *r)
{
    struct error error;
    int result = ring_look(r->ring, &error); /* makes the folder anew */

    if (result == 0) {
        trim(r);
        result = check_room(r, true, &error);
    }
    if (result == 0)
        result = try_to_write(r, &error);
    r->retry_ns = clock_monotonic_ns() + RETRY_NS;
    set_recording(r, result == 0, result == 0 ? "" : error.text);
}

static void watch_disk(struct recorder *r)
{
    struct error error;

    if (!file_exists(r->folder)) {
        char reason[RECORDER_REASON_MAX];

        text_format(reason, sizeof reason, "%s: the folder is gone", r->folder);
        recorder_disk_failed(r, reason);
        return;
    }
    trim(r);
    if (check_room(r, false, &error) < 0)
        recorder_disk_failed(r, error.text);
}

/* ---- what others see ---- */

static void show_camera(struct recorder *r, struct recorder_camera *camera)
{
    struct recorder_stream_state *s = &camera->shown;
    struct ring_segment all = {0};

    ring_span(r->ring, camera->stream_id, &all);
    s->recording = camera->segment != NULL;
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

static void show(struct recorder *r)
{
    size_t streams = 0;

    for (struct recorder_camera *c = r->active; c; c = c->next_active) {
        if (c->segment)
            recorder_flush_segment(c);
        streams += c->segment != NULL;
    }
    pthread_mutex_lock(&r->lock);
    for (struct recorder_camera *c = r->cameras; c; c = c->next)
        c->shown.recording = false, text_copy(c->shown.reason, sizeof c->shown.reason, "no video comes");
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
    pthread_mutex_unlock(&r->lock);
}

void recorder_get_stream(struct recorder *r, const char *stream_id, struct recorder_stream_state *state)
{
    *state = (struct recorder_stream_state){.reason = "it is not open"};
    pthread_mutex_lock(&r->lock);
    for (const struct recorder_camera *c = r->cameras; c; c = c->next)
        if (strcmp(c->stream_id, stream_id) == 0)
            *state = c->shown;
    pthread_mutex_unlock(&r->lock);
}

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

    try_again(r);
    clips_begin(r);
    while (!stopping) {
        struct recorder_item *next, *item = take_items(r, &stopping);

        for (; item; item = next) {
            next = item->next;
            recorder_take_item(r, item);
        }
        int64_t now = clock_monotonic_ns();
        if (!r->recording && now >= r->retry_ns)
            try_again(r);
        if (now - r->trimmed_ns >= TRIM_NS) {
            r->trimmed_ns = now;
            if (r->recording)
                watch_disk(r);
            else
                trim(r);
            show(r);
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
