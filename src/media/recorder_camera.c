/* One camera's packets into segments, in the recorder's thread. */
#include <stdlib.h>

#include <libavformat/avformat.h>

#include "base/text.h"
#include "media/recorder_internal.h"

/* Further from the clock than this, a stream's time stamps have jumped. */
#define JUMP_NS NS_PER_S
/* A segment's zero lies so long before its key frame: pictures that are shown before it may follow it. */
#define LEAD_NS (500 * NS_PER_MS)
/* A segment without another key frame ends here. */
#define SEGMENT_BYTES_MAX (INT64_C(256) << 20)
#define NO_STAMP INT64_MIN

/*
 * Time stamps have the even distances that the arrival over a network has not, but may jump, drift, or be
 * missing. They are kept as they are while they stay near the clock, and set to it otherwise, but never back
 * before what was given.
 */
int64_t packet_clock_map(struct packet_clock *clock, int64_t stamp_ns, int64_t arrival_ns)
{
    int64_t time_ns = clock->begun && stamp_ns != NO_STAMP ? stamp_ns + clock->offset_ns : arrival_ns;

    if (!clock->begun || time_ns < arrival_ns - JUMP_NS || time_ns > arrival_ns + JUMP_NS) {
        time_ns = arrival_ns;
        if (clock->begun && time_ns <= clock->last_ns)
            time_ns = clock->last_ns + NS_PER_MS;
        if (stamp_ns != NO_STAMP) {
            clock->offset_ns = time_ns - stamp_ns;
            clock->begun = true;
        }
    }
    if (time_ns > clock->last_ns)
        clock->last_ns = time_ns;
    return time_ns;
}

static int64_t stamp_of(const struct recorder_camera *camera, const AVPacket *packet)
{
    int64_t stamp = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    AVRational base = {camera->format.time_base_num, camera->format.time_base_den};

    return stamp == AV_NOPTS_VALUE ? NO_STAMP : av_rescale_q(stamp, base, (AVRational){1, 1000000000});
}

static void tell_ring(struct recorder_camera *camera, bool done)
{
    int64_t end_ns = camera->zero_wall_ns + (camera->last_mono_ns - camera->zero_mono_ns);

    ring_update(camera->recorder->ring, camera->stream_id, end_ns, segment_bytes(camera->segment), done);
}

void recorder_end_segment(struct recorder_camera *camera)
{
    struct error error;

    if (!camera->segment)
        return;
    tell_ring(camera, true);
    if (segment_close(&camera->segment, &error) < 0 && camera->recorder->recording)
        recorder_disk_failed(camera->recorder, error.text);
}

void recorder_flush_segment(struct recorder_camera *camera)
{
    struct error error;

    if (!camera->segment)
        return;
    if (segment_flush(camera->segment, &error) < 0)
        recorder_disk_failed(camera->recorder, error.text);
    else
        tell_ring(camera, false);
}

/* Whose fault: the camera's, which alone is not recorded then, or the disk's. */
static void note_failure(struct recorder_camera *camera, const struct error *error)
{
    switch (error->code) {
    case ERR_FORMAT:
    case ERR_UNSUPPORTED:
    case ERR_INVALID:
    case ERR_NOMEM:
        text_copy(camera->problem, sizeof camera->problem, error->text);
        recorder_end_segment(camera);
        break;
    default:
        recorder_disk_failed(camera->recorder, error->text);
    }
}

static void begin_segment(struct recorder_camera *camera, const struct recorder_item *item, int64_t mono_ns)
{
    struct error error;
    char path[RING_PATH_MAX];
    int result = coded_format_complete(&camera->format, item->packet, &error);

    camera->zero_mono_ns = mono_ns - LEAD_NS;
    camera->zero_wall_ns = item->arrival.wall_ns + (camera->zero_mono_ns - item->arrival.mono_ns);
    camera->first_mono_ns = camera->last_mono_ns = mono_ns;
    if (result == 0)
        result = ring_begin(camera->recorder->ring, camera->stream_id, &camera->zero_wall_ns, path, &error);
    if (result == 0) {
        result = segment_open(path, &camera->format, &camera->segment, &error);
        if (result < 0)
            ring_update(camera->recorder->ring, camera->stream_id, camera->zero_wall_ns, 0, true);
    }
    if (result < 0)
        note_failure(camera, &error);
    else
        camera->problem[0] = '\0';
}

static void put_packet(struct recorder_camera *camera, const struct recorder_item *item)
{
    bool key = item->packet->flags & AV_PKT_FLAG_KEY;
    int64_t mono_ns = packet_clock_map(&camera->clock, stamp_of(camera, item->packet), item->arrival.mono_ns);
    struct error error;

    if (camera->segment && key && mono_ns - camera->first_mono_ns >= camera->recorder->options.segment_ns)
        recorder_end_segment(camera);
    if (camera->segment && segment_bytes(camera->segment) > SEGMENT_BYTES_MAX)
        recorder_end_segment(camera);
    if (!camera->segment && key && camera->recorder->recording)
        begin_segment(camera, item, mono_ns);
    if (!camera->segment)
        return;

    int64_t time_ns = mono_ns - camera->zero_mono_ns;

    if (mono_ns > camera->last_mono_ns)
        camera->last_mono_ns = mono_ns;
    if (segment_put(camera->segment, item->packet, time_ns > 0 ? time_ns : 0, &error) < 0)
        note_failure(camera, &error);
}

static void end_format(struct recorder_camera *camera)
{
    struct recorder_camera **at = &camera->recorder->active;

    if (!camera->format.parameters)
        return;
    recorder_end_segment(camera);
    coded_format_release(&camera->format);
    while (*at != camera)
        at = &(*at)->next_active;
    *at = camera->next_active;
}

/* A new connection has its own time stamps. */
static void begin_format(struct recorder_camera *camera, struct recorder_item *item)
{
    end_format(camera);
    camera->next_active = camera->recorder->active;
    camera->recorder->active = camera;
    camera->format = item->format;
    item->format = (struct coded_format){0};
    camera->clock.begun = false;
    camera->problem[0] = '\0';
}

void recorder_take_item(struct recorder *recorder, struct recorder_item *item)
{
    struct recorder_camera *camera = item->camera;

    switch (item->kind) {
    case ITEM_BEGIN:
        begin_format(camera, item);
        break;
    case ITEM_PACKET:
        if (camera->format.parameters && recorder->recording)
            put_packet(camera, item);
        break;
    case ITEM_END:
    case ITEM_DETACH:
        end_format(camera);
        break;
    }
    pthread_mutex_lock(&recorder->lock);
    camera->queued_bytes -= item->bytes;
    pthread_mutex_unlock(&recorder->lock);
    if (item->kind == ITEM_DETACH)
        recorder_camera_destroy(camera);
    recorder_free_item(item);
}
