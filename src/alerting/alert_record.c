#include "alerting/alert_record.h"

#include <string.h>

#include "base/bytes.h"

_Static_assert(sizeof(struct alert_event) + 128 < ALERT_RECORD_MAX, "every event fits a record");

enum { RECORD_VERSION = 1, FLAG_TEST = 1, FLAG_BLIND = 2 };

void alert_record_encode(const struct alert_event *event, struct buffer *out)
{
    const struct alert *alert = &event->alert;
    bytes_put_u8(out, RECORD_VERSION);
    bytes_put_text(out, alert_event_kind_name(event->kind));
    bytes_put_i64(out, event->version);
    bytes_put_text(out, event->who);
    bytes_put_text(out, alert->alert_id);
    bytes_put_text(out, alert->rule_id);
    bytes_put_text(out, alert->stream_id);
    bytes_put_text(out, alert->zone_id);
    bytes_put_text(out, measure_info(alert->measure)->name);
    bytes_put_u8(out, (uint8_t)((alert->is_test ? FLAG_TEST : 0) | (alert->blind ? FLAG_BLIND : 0)));
    bytes_put_u8(out, (uint8_t)alert->level);
    bytes_put_u8(out, (uint8_t)alert->peak_level);
    bytes_put_text(out, alert_state_name(alert->state));
    bytes_put_f64(out, alert->value);
    bytes_put_f64(out, alert->threshold);
    bytes_put_i64(out, alert->raised_ns);
    bytes_put_i64(out, alert->updated_ns);
    bytes_put_i64(out, alert->acknowledged_ns);
    bytes_put_text(out, alert->acknowledged_by);
    bytes_put_i64(out, alert->resolved_ns);
    bytes_put_text(out, alert->resolved_by);
    bytes_put_text(out, alert->resolved_reason);
    bytes_put_text(out, alert->comment);
    bytes_put_text(out, alert->message);
    bytes_put_text(out, alert->action);
    bytes_put_text(out, alert->picture);
}

static void get_kind(struct byte_reader *reader, enum alert_event_kind *kind)
{
    char name[32];
    bytes_get_text(reader, name, sizeof name);
    for (int i = ALERT_RAISED; i <= ALERT_COMMENTED; i++)
        if (strcmp(alert_event_kind_name((enum alert_event_kind)i), name) == 0) {
            *kind = (enum alert_event_kind)i;
            return;
        }
    reader->failed = true;
}

static void get_measure(struct byte_reader *reader, enum measure_id *measure)
{
    char name[ID_SIZE];
    bytes_get_text(reader, name, sizeof name);
    const struct measure_info *info = measure_find(name);
    if (info)
        *measure = info->id;
    else
        reader->failed = true;
}

static void get_level(struct byte_reader *reader, enum alert_level *level)
{
    uint8_t value = bytes_get_u8(reader);
    if (value > LEVEL_NONE && value < LEVEL_COUNT)
        *level = (enum alert_level)value;
    else
        reader->failed = true;
}

static void get_state(struct byte_reader *reader, enum alert_state *state)
{
    char name[32];
    bytes_get_text(reader, name, sizeof name);
    if (alert_state_parse(name, state) < 0)
        reader->failed = true;
}

#define GET_TEXT(reader, field) bytes_get_text(reader, field, sizeof field)

static void get_what(struct byte_reader *reader, struct alert *alert)
{
    GET_TEXT(reader, alert->alert_id);
    GET_TEXT(reader, alert->rule_id);
    GET_TEXT(reader, alert->stream_id);
    GET_TEXT(reader, alert->zone_id);
    get_measure(reader, &alert->measure);
    uint8_t flags = bytes_get_u8(reader);
    alert->is_test = flags & FLAG_TEST;
    alert->blind = flags & FLAG_BLIND;
    get_level(reader, &alert->level);
    get_level(reader, &alert->peak_level);
    get_state(reader, &alert->state);
    alert->value = bytes_get_f64(reader);
    alert->threshold = bytes_get_f64(reader);
}

static void get_story(struct byte_reader *reader, struct alert *alert)
{
    alert->raised_ns = bytes_get_i64(reader);
    alert->updated_ns = bytes_get_i64(reader);
    alert->acknowledged_ns = bytes_get_i64(reader);
    GET_TEXT(reader, alert->acknowledged_by);
    alert->resolved_ns = bytes_get_i64(reader);
    GET_TEXT(reader, alert->resolved_by);
    GET_TEXT(reader, alert->resolved_reason);
    GET_TEXT(reader, alert->comment);
    GET_TEXT(reader, alert->message);
    GET_TEXT(reader, alert->action);
    GET_TEXT(reader, alert->picture);
}

int alert_record_decode(const void *bytes, size_t size, struct alert_event *event, struct error *error)
{
    struct byte_reader reader = byte_reader_on(bytes, size);
    *event = (struct alert_event){0};
    uint8_t version = bytes_get_u8(&reader);
    if (version != RECORD_VERSION)
        return error_set(error, ERR_FORMAT, "alert record of version %u", version);
    get_kind(&reader, &event->kind);
    event->version = bytes_get_i64(&reader);
    GET_TEXT(&reader, event->who);
    get_what(&reader, &event->alert);
    get_story(&reader, &event->alert);
    if (reader.failed || reader.left > 0 || event->version < 1 || event->alert.alert_id[0] == '\0')
        return error_set(error, ERR_FORMAT, "alert record: no event that could be");
    return 0;
}
