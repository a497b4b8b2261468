/*
 * Clips that were asked for: noted on disk, made when their time is over, tried again while the disk does not
 * take them and the ring still has them.
 *
 * A note is the text "STREAM_ID FROM MOMENT TO" (wall times in nanoseconds) in NAME.wanted beside the clip.
 */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "media/clip.h"
#include "media/recorder_internal.h"

#define NOTE ".wanted"
#define PART ".part"
/* Pictures that are shown before `to` may follow it, and the queue is looked at a few times a second. */
#define SLACK_NS NS_PER_S
#define RETRY_NS (5 * NS_PER_S)
enum { PARTS_MAX = 1024, NOTE_MAX = 256 };

static void note_path(const struct recorder *r, const char *name, char path[RING_PATH_MAX])
{
    char file[CLIP_NAME_MAX + 16];

    text_format(file, sizeof file, "%s" NOTE, name);
    path_join(path, RING_PATH_MAX, r->clips_folder, file);
}

static void write_note(const struct recorder *r, struct clip_job *job)
{
    char path[RING_PATH_MAX], text[NOTE_MAX];

    note_path(r, job->name, path);
    text_format(text, sizeof text, "%s %" PRId64 " %" PRId64 " %" PRId64 "\n", job->stream_id, job->from_ns,
                job->moment_ns, job->to_ns);
    job->noted = file_write_atomic(path, text, strlen(text), NULL) == 0;
}

static void fail(struct recorder *r, const char *name, const char *why)
{
    struct clip_failure *f = &r->failures[r->failure_count % CLIP_FAILURES_KEPT];

    pthread_mutex_lock(&r->lock);
    text_copy(f->name, sizeof f->name, name);
    text_copy(f->why, sizeof f->why, why);
    r->failure_count++;
    r->state.clips_failed++;
    pthread_mutex_unlock(&r->lock);
    if (r->options.on_clip)
        r->options.on_clip(r->options.user, name, why);
}

/* ---- asked for ---- */

void recorder_keep(struct recorder *r, const char *stream_id, int64_t moment_ns, const char *name)
{
    struct instant now = clock_now();
    struct clip_job job = {.from_ns = moment_ns - r->options.before_ns,
                           .moment_ns = moment_ns,
                           .to_ns = moment_ns + r->options.after_ns};
    bool taken;

    job.due_ns = now.mono_ns + (job.to_ns > now.wall_ns ? job.to_ns - now.wall_ns : 0) + SLACK_NS;
    text_copy(job.name, sizeof job.name, name);
    text_copy(job.stream_id, sizeof job.stream_id, stream_id);
    pthread_mutex_lock(&r->lock);
    taken = r->asked_count + r->job_count < CLIPS_WAITING_MAX;
    if (taken)
        r->asked[r->asked_count++] = job;
    else
        r->state.clips_failed++;
    pthread_mutex_unlock(&r->lock);
}

void clips_take_asked(struct recorder *r)
{
    size_t from = r->job_count;

    pthread_mutex_lock(&r->lock);
    memcpy(&r->jobs[from], r->asked, r->asked_count * sizeof *r->asked);
    r->job_count += r->asked_count;
    r->asked_count = 0;
    pthread_mutex_unlock(&r->lock);
    for (; from < r->job_count; from++)
        write_note(r, &r->jobs[from]);
}

enum recorder_clip recorder_clip_state(struct recorder *r, const char *name, char why[RECORDER_REASON_MAX])
{
    enum recorder_clip state = RECORDER_CLIP_UNKNOWN;

    why[0] = '\0';
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < CLIP_FAILURES_KEPT; i++)
        if (strcmp(r->failures[i].name, name) == 0) {
            state = RECORDER_CLIP_FAILED;
            text_copy(why, RECORDER_REASON_MAX, r->failures[i].why);
        }
    for (size_t i = 0; i < r->job_count; i++)
        if (strcmp(r->jobs[i].name, name) == 0)
            state = RECORDER_CLIP_WAITING;
    for (size_t i = 0; i < r->asked_count; i++)
        if (strcmp(r->asked[i].name, name) == 0)
            state = RECORDER_CLIP_WAITING;
    pthread_mutex_unlock(&r->lock);
    return state;
}

/* ---- left by a process before this one ---- */

static bool read_note(struct recorder *r, const char *file, struct clip_job *job)
{
    struct buffer text = {0};
    char path[RING_PATH_MAX], line[NOTE_MAX];

    *job = (struct clip_job){.noted = true};
    text_copy(job->name, sizeof job->name, file);
    job->name[strlen(job->name) - strlen(NOTE)] = '\0';
    path_join(path, sizeof path, r->clips_folder, file);
    bool whole = file_read(path, sizeof line - 1, &text, NULL) == 0 && text.size > 0;
    if (whole) {
        memcpy(line, text.data, text.size);
        line[text.size] = '\0';
        whole = sscanf(line, "%64s %" SCNd64 " %" SCNd64 " %" SCNd64, job->stream_id, &job->from_ns,
                       &job->moment_ns, &job->to_ns) == 4 &&
                text_is_identifier(job->stream_id);
    }
    buffer_free(&text);
    return whole;
}

void clips_begin(struct recorder *r)
{
    DIR *dir = opendir(r->clips_folder);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char path[RING_PATH_MAX];
        struct clip_job job;

        path_join(path, sizeof path, r->clips_folder, entry->d_name);
        if (text_ends_with(entry->d_name, PART))
            unlink(path);
        if (!text_ends_with(entry->d_name, NOTE) || strlen(entry->d_name) >= CLIP_NAME_MAX)
            continue;
        if (!read_note(r, entry->d_name, &job)) {
            unlink(path);
            continue;
        }
        pthread_mutex_lock(&r->lock);
        if (r->job_count + r->asked_count < CLIPS_WAITING_MAX)
            r->jobs[r->job_count++] = job;
        pthread_mutex_unlock(&r->lock);
    }
    if (dir)
        closedir(dir);
}

/* ---- made ---- */

struct parts {
    struct clip_part *parts;
    size_t count;
};

static bool add_part(void *user, const struct ring_segment *segment, const char *path)
{
    struct parts *p = user;

    p->parts[p->count] = (struct clip_part){.path = text_duplicate(path), .start_ns = segment->start_ns};
    if (!p->parts[p->count].path)
        return false;
    return ++p->count < PARTS_MAX;
}

static int make(struct recorder *r, const struct clip_job *job, struct error *error)
{
    char path[RING_PATH_MAX];
    struct parts p = {.parts = calloc(PARTS_MAX, sizeof *p.parts)};
    struct clip_request request = {
        .from_ns = job->from_ns, .moment_ns = job->moment_ns, .to_ns = job->to_ns, .path = path};
    int result;

    if (!p.parts)
        return error_nomem(error, job->name);
    for (struct recorder_camera *c = r->active; c; c = c->next_active)
        if (strcmp(c->stream_id, job->stream_id) == 0) {
            recorder_flush_segment(c);
            break;
        }
    path_join(path, sizeof path, r->clips_folder, job->name);
    ring_find(r->ring, job->stream_id, job->from_ns, job->to_ns, add_part, &p);
    request.parts = p.parts, request.part_count = p.count;
    result = clip_write(&request, NULL, error);
    for (size_t i = 0; i < p.count; i++)
        free(p.parts[i].path);
    free(p.parts);
    return result;
}

static void end_job(struct recorder *r, size_t at, const char *why)
{
    struct clip_job job = r->jobs[at];
    char path[RING_PATH_MAX];

    note_path(r, job.name, path);
    unlink(path);
    pthread_mutex_lock(&r->lock);
    r->jobs[at] = r->jobs[--r->job_count];
    r->state.clips_made += why == NULL;
    pthread_mutex_unlock(&r->lock);
    if (why)
        fail(r, job.name, why);
    else if (r->options.on_clip)
        r->options.on_clip(r->options.user, job.name, "");
}

static bool may_try_again(const struct recorder *r, const struct clip_job *job, int result)
{
    bool disk = result == ERR_FULL || result == ERR_IO || result == ERR_NOMEM;

    return disk && clock_wall_ns() - job->from_ns < r->options.keep_ns;
}

bool clips_make_one(struct recorder *r, bool all)
{
    int64_t now = clock_monotonic_ns();

    for (size_t i = 0; i < r->job_count; i++) {
        struct clip_job *job = &r->jobs[i];
        struct error error;

        if (job->due_ns > now && !all)
            continue;
        int result = make(r, job, &error);
        if (result == 0)
            end_job(r, i, NULL);
        else if (!may_try_again(r, job, result))
            end_job(r, i, error.text);
        else
            job->due_ns = now + RETRY_NS;
        return result == 0 || !all;
    }
    return false;
}
