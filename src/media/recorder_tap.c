/* The cameras' side of the recorder: what a tap does in the thread that reads a camera. */
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/text.h"
#include "media/recorder_internal.h"

enum { ITEM_OVERHEAD = 512 }; /* what a queued packet needs beside its bytes, about */

void recorder_free_item(struct recorder_item *item)
{
    coded_format_release(&item->format);
    av_packet_free(&item->packet);
    free(item);
}

/* With the lock held. */
static void append(struct recorder *r, struct recorder_item *item)
{
    item->next = NULL;
    *r->end = item;
    r->end = &item->next;
    item->camera->queued_bytes += item->bytes;
    if (item->camera->queued_bytes > r->options.queue_bytes / 2)
        pthread_cond_signal(&r->wake);
}

static struct recorder_item *new_item(struct recorder_camera *camera, enum recorder_item_kind kind)
{
    struct recorder_item *item = calloc(1, sizeof *item);

    if (item) {
        item->kind = kind;
        item->camera = camera;
        item->bytes = ITEM_OVERHEAD;
    }
    return item;
}

static void put_item(struct recorder_camera *camera, struct recorder_item *item)
{
    pthread_mutex_lock(&camera->recorder->lock);
    append(camera->recorder, item);
    pthread_mutex_unlock(&camera->recorder->lock);
}

/* Without memory for it the source is not recorded: what follows is thrown away for want of a format. */
static void tap_begin(struct packet_tap *tap, const AVStream *stream)
{
    struct recorder_camera *camera = (struct recorder_camera *)tap;
    struct recorder_item *item = new_item(camera, ITEM_BEGIN);

    if (!item)
        return;
    if (coded_format_init(&item->format, stream) < 0)
        recorder_free_item(item);
    else
        put_item(camera, item);
}

static void tap_end(struct packet_tap *tap)
{
    struct recorder_camera *camera = (struct recorder_camera *)tap;
    struct recorder_item *item = new_item(camera, ITEM_END);

    if (item)
        put_item(camera, item);
}

/* With the lock held: whether a packet of so many bytes has room. After a loss only a key frame has. */
static bool has_room(struct recorder_camera *camera, size_t bytes, bool key)
{
    const struct recorder *r = camera->recorder;

    if (atomic_load(&r->paused))
        camera->skipping = true;
    else if (camera->queued_bytes + bytes > r->options.queue_bytes)
        camera->skipping = true;
    else if (key)
        camera->skipping = false;
    if (camera->skipping)
        camera->shown.dropped++, camera->recorder->state.dropped++;
    return !camera->skipping;
}

static void tap_put(struct packet_tap *tap, const AVPacket *packet, const struct instant *arrival)
{
    struct recorder_camera *camera = (struct recorder_camera *)tap;
    struct recorder *r = camera->recorder;
    size_t bytes = (size_t)packet->size + ITEM_OVERHEAD;
    struct recorder_item *item = NULL;

    pthread_mutex_lock(&r->lock);
    if (has_room(camera, bytes, packet->flags & AV_PKT_FLAG_KEY)) {
        item = new_item(camera, ITEM_PACKET);
        if (item)
            item->packet = av_packet_clone(packet);
        if (item && item->packet) {
            item->arrival = *arrival;
            item->bytes = bytes;
            append(r, item);
        } else {
            camera->skipping = true;
            camera->shown.dropped++, r->state.dropped++;
            free(item);
        }
    }
    pthread_mutex_unlock(&r->lock);
}

int recorder_camera_create(struct recorder *recorder, const char *stream_id, struct recorder_camera **camera)
{
    struct recorder_camera *c = calloc(1, sizeof *c);

    *camera = c;
    if (!c)
        return ERR_NOMEM;
    c->tap = (struct packet_tap){.begin = tap_begin, .put = tap_put, .end = tap_end};
    c->recorder = recorder;
    text_copy(c->stream_id, sizeof c->stream_id, stream_id);
    c->detach = new_item(c, ITEM_DETACH);
    if (c->detach)
        return 0;
    recorder_camera_destroy(c);
    *camera = NULL;
    return ERR_NOMEM;
}

void recorder_camera_destroy(struct recorder_camera *camera)
{
    if (camera->detach)
        recorder_free_item(camera->detach);
    coded_format_release(&camera->format);
    segment_close(&camera->segment, NULL);
    free(camera);
}

struct packet_tap *recorder_attach(struct recorder *recorder, const char *stream_id)
{
    struct recorder_camera *camera;

    if (recorder_camera_create(recorder, stream_id, &camera) < 0)
        return NULL;
    pthread_mutex_lock(&recorder->lock);
    camera->next = recorder->cameras;
    recorder->cameras = camera;
    pthread_mutex_unlock(&recorder->lock);
    return &camera->tap;
}

void recorder_detach(struct recorder *recorder, struct packet_tap **tap)
{
    struct recorder_camera *camera = (struct recorder_camera *)*tap;
    struct recorder_camera **at = &recorder->cameras;

    *tap = NULL;
    if (!camera)
        return;
    pthread_mutex_lock(&recorder->lock);
    while (*at != camera)
        at = &(*at)->next;
    *at = camera->next;
    struct recorder_item *item = camera->detach;
    camera->detach = NULL;
    append(recorder, item);
    pthread_mutex_unlock(&recorder->lock);
}
