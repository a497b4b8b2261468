#include "api/http/live.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

enum { PART_HEAD_MAX = 160, BLOCK = 32 * 1024 };

struct viewer {
    struct viewer *next;
    struct live *live;
    struct MHD_Connection *connection;
    char stream_id[ID_SIZE];
    bool suspended, ended;
    int64_t last_ns; /* when the last picture came, monotonic */
    struct bus_message *pending;

    /* touched by the connection's thread alone: the part that is being sent */
    struct bus_message *current;
    char head[PART_HEAD_MAX];
    size_t head_size, at;
    const char *jpeg;
    size_t jpeg_size;
};

struct live {
    struct api *api;
    struct bus_subscription *subscription;
    pthread_mutex_t lock; /* of the list and of every viewer's first part */
    struct viewer *viewers;
    bool closed;
};

static void wake(struct viewer *viewer)
{
    if (viewer->suspended) {
        viewer->suspended = false;
        MHD_resume_connection(viewer->connection);
    }
}

static void deliver(void *user, struct bus_message *message)
{
    struct live *live = user;
    const char *stream_id = message->topic + strlen("picture/");
    pthread_mutex_lock(&live->lock);
    for (struct viewer *v = live->viewers; v != NULL; v = v->next) {
        if (strcmp(v->stream_id, stream_id) != 0)
            continue;
        bus_message_unref(&v->pending);
        v->pending = bus_message_ref(message);
        v->last_ns = clock_monotonic_ns();
        wake(v);
    }
    pthread_mutex_unlock(&live->lock);
}

int live_create(struct api *api, struct live **live, struct error *error)
{
    struct live *l = calloc(1, sizeof *l);
    if (l == NULL)
        return error_nomem(error, "live pictures");
    l->api = api;
    pthread_mutex_init(&l->lock, NULL);
    int rc = api->bus.kind->subscribe(api->bus.bus, "picture/", deliver, l, &l->subscription, error);
    if (rc != 0)
        live_destroy(&l);
    else
        *live = l;
    return rc;
}

void live_destroy(struct live **live)
{
    struct live *l = *live;
    *live = NULL;
    if (l == NULL)
        return;
    l->api->bus.kind->unsubscribe(l->api->bus.bus, &l->subscription);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* The newest picture becomes the one to send. False: there is none, and the connection is suspended unless
 * the response ends. */
static bool take_next(struct viewer *v, bool *end)
{
    struct live *live = v->live;
    pthread_mutex_lock(&live->lock);
    *end = v->ended || live->closed;
    v->current = *end ? NULL : v->pending;
    if (v->current != NULL) {
        v->pending = NULL;
    } else if (!*end) {
        v->suspended = true;
        MHD_suspend_connection(v->connection);
    }
    pthread_mutex_unlock(&live->lock);
    return v->current != NULL;
}

static void begin_part(struct viewer *v)
{
    const struct bus_message *m = v->current;
    const char *newline = memchr(m->bytes, '\n', m->size);
    v->jpeg = newline != NULL ? newline + 1 : m->bytes;
    v->jpeg_size = m->size - (size_t)(v->jpeg - m->bytes);
    text_format(v->head, sizeof v->head,
                "--picture\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\nX-Sci-Seq: %lld\r\n\r\n",
                v->jpeg_size, (long long)m->number);
    v->head_size = strlen(v->head);
    v->at = 0;
}

/* Copies what is left of a part's three pieces (head, JPEG, line end), as far as there is room. */
static size_t copy_part(struct viewer *v, char *out, size_t room)
{
    const struct {
        const char *bytes;
        size_t size;
    } pieces[] = {{v->head, v->head_size}, {v->jpeg, v->jpeg_size}, {"\r\n", 2}};
    size_t begin = 0, copied = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t from = v->at - begin;
        if (v->at >= begin && from < pieces[i].size) {
            size_t count = pieces[i].size - from < room - copied ? pieces[i].size - from : room - copied;
            memcpy(out + copied, pieces[i].bytes + from, count);
            copied += count;
            v->at += count;
        }
        begin += pieces[i].size;
    }
    if (v->at == begin)
        bus_message_unref(&v->current);
    return copied;
}

static ssize_t read_pictures(void *user, uint64_t position, char *out, size_t room)
{
    struct viewer *v = user;
    (void)position;
    if (v->current == NULL) {
        bool end;
        if (!take_next(v, &end))
            return end ? MHD_CONTENT_READER_END_OF_STREAM : 0;
        begin_part(v);
    }
    return (ssize_t)copy_part(v, out, room);
}

static void viewer_free(void *user)
{
    struct viewer *v = user;
    struct live *live = v->live;
    pthread_mutex_lock(&live->lock);
    struct viewer **at = &live->viewers;
    while (*at != NULL && *at != v)
        at = &(*at)->next;
    if (*at == v)
        *at = v->next;
    pthread_mutex_unlock(&live->lock);
    watch_remove(live->api->watch, v->stream_id);
    bus_message_unref(&v->pending);
    bus_message_unref(&v->current);
    free(v);
}

struct MHD_Response *live_response(struct live *live, const char *stream_id,
                                   struct MHD_Connection *connection)
{
    struct viewer *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->live = live;
    v->connection = connection;
    v->last_ns = clock_monotonic_ns();
    text_copy(v->stream_id, sizeof v->stream_id, stream_id);
    if (watch_add(live->api->watch, stream_id, NULL) != 0) {
        free(v);
        return NULL;
    }
    pthread_mutex_lock(&live->lock);
    v->next = live->viewers;
    live->viewers = v;
    pthread_mutex_unlock(&live->lock);
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_pictures, v, viewer_free);
    if (response == NULL) {
        viewer_free(v);
        return NULL;
    }
    MHD_add_response_header(response, "Content-Type", "multipart/x-mixed-replace; boundary=picture");
    return response;
}

/* A suspended connection does not notice that its client has gone, so silence must end it. */
void live_tick(struct live *live)
{
    int64_t now = clock_monotonic_ns();
    pthread_mutex_lock(&live->lock);
    for (struct viewer *v = live->viewers; v != NULL; v = v->next) {
        if (now - v->last_ns > LIVE_SILENCE_S * NS_PER_S) {
            v->ended = true;
            wake(v);
        }
    }
    pthread_mutex_unlock(&live->lock);
}

void live_end(struct live *live)
{
    pthread_mutex_lock(&live->lock);
    live->closed = true;
    for (struct viewer *v = live->viewers; v != NULL; v = v->next)
        wake(v);
    pthread_mutex_unlock(&live->lock);
}
