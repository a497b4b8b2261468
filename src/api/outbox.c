#include "api/outbox.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/text.h"
#include "core/zone.h"

enum { REPLIES_MAX = 32 };

/* A ring of messages with a fixed capacity. */
struct ring {
    struct bus_message **items;
    size_t capacity, first, count;
};

struct gap {
    bool open;
    char epoch[EPOCH_SIZE];
    int64_t from, to; /* to 0: up to the end of the epoch */
};

/* What is kept about one stream. */
struct lane {
    char stream_id[ID_SIZE];
    struct gap gap;
    bool resumed; /* `seen` waits for the next update */
    char seen_epoch[EPOCH_SIZE];
    int64_t seen;
    struct bus_message *picture, *state;
};

struct outbox {
    size_t limit;
    struct ring alerts, held, updates, replies;
    bool holding, pictures_turn;
    int64_t replayed; /* the number up to which the client was given alerts out of the store */
    struct bus_message *status;
    struct lane *lanes;
    size_t lane_count, lane_capacity, next_lane;
};

static bool ring_init(struct ring *ring, size_t capacity)
{
    ring->items = calloc(capacity, sizeof *ring->items);
    ring->capacity = capacity;
    return ring->items != NULL;
}

static bool ring_put(struct ring *ring, struct bus_message *message)
{
    if (ring->count == ring->capacity)
        return false;
    ring->items[(ring->first + ring->count++) % ring->capacity] = message;
    return true;
}

static struct bus_message *ring_take(struct ring *ring)
{
    if (ring->count == 0)
        return NULL;
    struct bus_message *message = ring->items[ring->first];
    ring->first = (ring->first + 1) % ring->capacity;
    ring->count--;
    return message;
}

static void ring_free(struct ring *ring)
{
    for (struct bus_message *m = ring_take(ring); m != NULL; m = ring_take(ring))
        bus_message_unref(&m);
    free(ring->items);
}

struct outbox *outbox_create(size_t limit)
{
    struct outbox *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->limit = limit < 4 ? 4 : limit;
    bool made = ring_init(&o->alerts, o->limit) && ring_init(&o->held, o->limit) &&
                ring_init(&o->updates, o->limit) && ring_init(&o->replies, REPLIES_MAX);
    if (!made) {
        outbox_destroy(o);
        return NULL;
    }
    return o;
}

void outbox_destroy(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    ring_free(&outbox->alerts);
    ring_free(&outbox->held);
    ring_free(&outbox->updates);
    ring_free(&outbox->replies);
    bus_message_unref(&outbox->status);
    for (size_t i = 0; i < outbox->lane_count; i++) {
        bus_message_unref(&outbox->lanes[i].picture);
        bus_message_unref(&outbox->lanes[i].state);
    }
    free(outbox->lanes);
    free(outbox);
}

static struct lane *lane_of(struct outbox *outbox, const char *stream_id)
{
    for (size_t i = 0; i < outbox->lane_count; i++) {
        if (strcmp(outbox->lanes[i].stream_id, stream_id) == 0)
            return &outbox->lanes[i];
    }
    if (outbox->lane_count == outbox->lane_capacity) {
        size_t capacity = outbox->lane_capacity == 0 ? 4 : outbox->lane_capacity * 2;
        struct lane *lanes = realloc(outbox->lanes, capacity * sizeof *lanes);
        if (lanes == NULL)
            return NULL;
        outbox->lanes = lanes;
        outbox->lane_capacity = capacity;
    }
    struct lane *lane = &outbox->lanes[outbox->lane_count++];
    *lane = (struct lane){0};
    text_copy(lane->stream_id, sizeof lane->stream_id, stream_id);
    return lane;
}

/* The epoch out of a message of ours: its first member of that name. Only needed where there is a gap. */
static void epoch_of(const struct bus_message *message, char out[EPOCH_SIZE])
{
    static const char key[] = "\"epoch\":\"";
    const char *at = memmem(message->bytes, message->size, key, sizeof key - 1);
    out[0] = '\0';
    if (at == NULL)
        return;
    at += sizeof key - 1;
    const char *end = memchr(at, '"', message->size - (size_t)(at - message->bytes));
    if (end != NULL && (size_t)(end - at) < EPOCH_SIZE) {
        memcpy(out, at, (size_t)(end - at));
        out[end - at] = '\0';
    }
}

/* Numbers [from, to] are missing. A gap of an epoch that has ended gives way to that of the new one: the
 * client sees the change of epoch anyhow. */
static void widen_gap(struct gap *gap, const char *epoch, int64_t from, int64_t to)
{
    if (gap->open && strcmp(gap->epoch, epoch) == 0 && gap->to != 0 && from > gap->to) {
        gap->to = to;
        return;
    }
    gap->open = true;
    gap->from = from;
    gap->to = to;
    text_copy(gap->epoch, sizeof gap->epoch, epoch);
}

static void note_resumption(struct lane *lane, const struct bus_message *message)
{
    char epoch[EPOCH_SIZE];
    lane->resumed = false;
    epoch_of(message, epoch);
    if (lane->seen_epoch[0] != '\0' && strcmp(lane->seen_epoch, epoch) != 0)
        widen_gap(&lane->gap, lane->seen_epoch, lane->seen + 1, 0);
    else if (message->number > lane->seen + 1)
        widen_gap(&lane->gap, epoch, lane->seen + 1, message->number - 1);
}

static void note_drop(struct outbox *outbox, struct bus_message *message)
{
    char epoch[EPOCH_SIZE];
    struct lane *lane = lane_of(outbox, strchr(message->topic, '/') + 1);
    if (lane != NULL) {
        epoch_of(message, epoch);
        widen_gap(&lane->gap, epoch, message->number, message->number);
    }
    bus_message_unref(&message);
}

bool outbox_put_alert(struct outbox *outbox, struct bus_message *message)
{
    if (!outbox->holding && message->number != 0 && message->number <= outbox->replayed)
        return true; /* it was stored, and replayed, before the news of it came here */
    /* While older ones wait apart, newer ones queue behind them. */
    struct ring *ring = outbox->holding || outbox->held.count > 0 ? &outbox->held : &outbox->alerts;
    if (ring->count == ring->capacity)
        return false;
    return ring_put(ring, bus_message_ref(message));
}

size_t outbox_put_update(struct outbox *outbox, const char *stream_id, struct bus_message *message)
{
    size_t dropped = 0;
    struct lane *lane = lane_of(outbox, stream_id);
    if (lane != NULL && lane->resumed)
        note_resumption(lane, message);
    if (outbox->updates.count == outbox->updates.capacity) {
        note_drop(outbox, ring_take(&outbox->updates));
        dropped = 1;
    }
    bool fits = ring_put(&outbox->updates, bus_message_ref(message));
    assert(fits);
    (void)fits;
    return dropped;
}

void outbox_put_picture(struct outbox *outbox, const char *stream_id, struct bus_message *message)
{
    struct lane *lane = lane_of(outbox, stream_id);
    if (lane == NULL)
        return;
    bus_message_unref(&lane->picture);
    lane->picture = bus_message_ref(message);
}

void outbox_put_state(struct outbox *outbox, const char *stream_id, struct bus_message *message)
{
    struct lane *lane = lane_of(outbox, stream_id);
    if (lane == NULL)
        return;
    bus_message_unref(&lane->state);
    lane->state = bus_message_ref(message);
}

void outbox_put_status(struct outbox *outbox, struct bus_message *message)
{
    bus_message_unref(&outbox->status);
    outbox->status = bus_message_ref(message);
}

bool outbox_put_reply(struct outbox *outbox, struct bus_message *message)
{
    if (outbox->replies.count == outbox->replies.capacity)
        return false;
    return ring_put(&outbox->replies, bus_message_ref(message));
}

int outbox_seen(struct outbox *outbox, const char *stream_id, const char *epoch, int64_t seq,
                struct error *error)
{
    struct lane *lane = lane_of(outbox, stream_id);
    if (lane == NULL)
        return error_nomem(error, "stream of a client");
    lane->resumed = true;
    lane->seen = seq;
    text_copy(lane->seen_epoch, sizeof lane->seen_epoch, epoch);
    return 0;
}

void outbox_forget(struct outbox *outbox, const char *stream_id)
{
    for (size_t i = outbox->updates.count; i > 0; i--) {
        struct bus_message *m = ring_take(&outbox->updates);
        if (stream_id == NULL || strcmp(strchr(m->topic, '/') + 1, stream_id) == 0)
            bus_message_unref(&m);
        else
            (void)ring_put(&outbox->updates, m);
    }
    for (size_t i = 0; i < outbox->lane_count; i++) {
        struct lane *lane = &outbox->lanes[i];
        if (stream_id != NULL && strcmp(lane->stream_id, stream_id) != 0)
            continue;
        bus_message_unref(&lane->picture);
        bus_message_unref(&lane->state);
        lane->gap.open = false;
        lane->resumed = false;
    }
}

void outbox_hold(struct outbox *outbox)
{
    outbox->holding = true;
}

size_t outbox_room(const struct outbox *outbox)
{
    return outbox->alerts.capacity - outbox->alerts.count;
}

void outbox_put_replayed(struct outbox *outbox, struct bus_message *message)
{
    if (!ring_put(&outbox->alerts, message)) {
        assert(!"more was replayed than there was room for");
    }
    (void)bus_message_ref(message);
}

/* What does not fit beside the replayed ones goes on waiting: outbox_take moves it over. */
void outbox_release(struct outbox *outbox, int64_t last)
{
    outbox->holding = false;
    outbox->replayed = last;
    for (size_t i = outbox->held.count; i > 0; i--) {
        struct bus_message *m = ring_take(&outbox->held);
        if (m->number != 0 && m->number <= last)
            bus_message_unref(&m);
        else
            (void)ring_put(&outbox->held, m);
    }
}

static struct bus_message *gap_message(const char *stream_id, struct gap *gap)
{
    char topic[BUS_TOPIC_MAX];
    struct buffer out = {0};
    struct json_writer w = json_writer_on(&out);
    json_object_begin(&w);
    json_put_string(&w, "type", "gap");
    json_put_int(&w, "schema", 1);
    json_put_string(&w, "stream_id", stream_id);
    json_put_string(&w, "epoch", gap->epoch[0] != '\0' ? gap->epoch : NULL);
    json_put_int(&w, "from", gap->from);
    if (gap->to != 0)
        json_put_int(&w, "to", gap->to);
    else
        json_put_null(&w, "to");
    json_object_end(&w);
    gap->open = false;
    text_format(topic, sizeof topic, "gap/%s", stream_id);
    struct bus_message *message = out.failed ? NULL : bus_message_create(topic, 0, out.data, out.size);
    buffer_free(&out);
    return message;
}

static struct bus_message *take_gap_or_state(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->lane_count; i++) {
        struct lane *lane = &outbox->lanes[i];
        struct bus_message *message = lane->gap.open ? gap_message(lane->stream_id, &lane->gap) : NULL;
        if (message == NULL && lane->state != NULL) {
            message = lane->state;
            lane->state = NULL;
        }
        if (message != NULL)
            return message;
    }
    return NULL;
}

/* In turn, so that no camera waits for another. */
static struct bus_message *take_picture(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->lane_count; i++) {
        struct lane *lane = &outbox->lanes[(outbox->next_lane + i) % outbox->lane_count];
        if (lane->picture != NULL) {
            struct bus_message *picture = lane->picture;
            lane->picture = NULL;
            outbox->next_lane = (size_t)(lane - outbox->lanes) + 1;
            return picture;
        }
    }
    return NULL;
}

/* What was dropped is older than all that waits, so the gap is told before it. */
static struct bus_message *take_text(struct outbox *outbox)
{
    struct bus_message *message = take_gap_or_state(outbox);
    if (message == NULL)
        message = ring_take(&outbox->updates);
    if (message == NULL) {
        message = outbox->status;
        outbox->status = NULL;
    }
    return message;
}

static struct bus_message *take_alert(struct outbox *outbox)
{
    struct bus_message *message = ring_take(&outbox->alerts);
    if (message == NULL && !outbox->holding)
        message = ring_take(&outbox->held);
    return message;
}

struct bus_message *outbox_take(struct outbox *outbox, bool *binary)
{
    *binary = false;
    struct bus_message *message = take_alert(outbox);
    if (message == NULL)
        message = ring_take(&outbox->replies);
    if (message != NULL)
        return message;
    outbox->pictures_turn = !outbox->pictures_turn;
    message = outbox->pictures_turn ? take_picture(outbox) : take_text(outbox);
    *binary = outbox->pictures_turn;
    if (message == NULL) {
        message = outbox->pictures_turn ? take_text(outbox) : take_picture(outbox);
        *binary = !outbox->pictures_turn;
    }
    return message;
}
