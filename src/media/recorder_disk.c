/* The recorder and its disk: whether it takes what is recorded, and what goes to make room. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "media/recorder_internal.h"

#define RETRY_NS (3 * NS_PER_S)

static void set_recording(struct recorder *r, bool recording, const char *reason)
{
    bool changed;

    r->recording = recording;
    atomic_store(&r->paused, !recording);
    pthread_mutex_lock(&r->lock);
    changed = r->state.recording != recording || strcmp(r->state.reason, reason) != 0;
    r->state.recording = recording;
    if (!recording)
        r->state.streams = 0;
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

void recorder_trim(struct recorder *r)
{
    struct ring_limits limits = limits_of(r);

    ring_trim(r->ring, &limits, clock_wall_ns());
}

void recorder_try_again(struct recorder *r)
{
    struct error error;
    int result = ring_look(r->ring, &error); /* makes the folder anew */

    if (result == 0) {
        recorder_trim(r);
        result = check_room(r, true, &error);
    }
    if (result == 0)
        result = try_to_write(r, &error);
    r->retry_ns = clock_monotonic_ns() + RETRY_NS;
    set_recording(r, result == 0, result == 0 ? "" : error.text);
}

void recorder_watch_disk(struct recorder *r)
{
    struct error error;

    if (!file_exists(r->folder)) {
        char reason[RECORDER_REASON_MAX];

        text_format(reason, sizeof reason, "%s: the folder is gone", r->folder);
        recorder_disk_failed(r, reason);
        return;
    }
    recorder_trim(r);
    if (check_room(r, false, &error) < 0)
        recorder_disk_failed(r, error.text);
}
