/*
 * An entry's id is the time at which Redis was given it, in milliseconds of Redis' own clock. That clock is
 * read (TIME) when the stream is opened and once a minute, so that ids tell how old an entry is even where
 * the clocks of the two machines differ.
 */
#include "bus/redis_stream.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/text.h"

#define CLOCK_EVERY_NS (60 * NS_PER_S)
/* Ids below (before 2001) are no times: somebody numbers by hand. */
#define LEAST_TIME_MS INT64_C(1000000000000)

struct redis_stream {
    redisContext *context;
    redisReply *reply; /* of the last read: the entries point into it */
    char *key, *field;
    char id[48]; /* of the last entry that was read */
    char shown[300];
    int64_t timeout_ns;
    int64_t ahead_ns; /* Redis' wall clock minus ours */
    int64_t clock_read_ns;
    bool read_any;
    struct redis_entry entries[REDIS_ENTRIES_MAX];
};

static struct timeval to_timeval(int64_t ns)
{
    return (struct timeval){.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / 1000};
}

static int fail_connection(const struct redis_stream *s, struct error *error)
{
    const redisContext *c = s->context;
    if (!c)
        return error_nomem(error, s->shown);
    bool late = c->err == REDIS_ERR_IO &&
                (strstr(c->errstr, "temporarily unavailable") || strstr(c->errstr, "timed out"));
    if (late)
        return error_set(error, ERR_TIMEOUT, "%s: no answer in time", s->shown);
    return error_set(error, c->err == REDIS_ERR_OOM ? ERR_NOMEM : ERR_IO, "%s: %s", s->shown, c->errstr);
}

static int fail_reply(const struct redis_stream *s, const char *text, struct error *error)
{
    bool forbidden = text_starts_with(text, "NOAUTH") || text_starts_with(text, "WRONGPASS") ||
                     text_starts_with(text, "NOPERM") || strstr(text, "invalid password");
    if (forbidden)
        return error_set(error, ERR_AUTH, "%s: a wrong or missing name or password", s->shown);
    if (text_starts_with(text, "WRONGTYPE"))
        return error_set(error, ERR_FORMAT, "%s: the key holds something else than a stream", s->shown);
    return error_set(error, ERR_IO, "%s: %.200s", s->shown, text);
}

/* Runs a command; *reply is the caller's when 0. */
static int ask(struct redis_stream *s, int argc, const char **argv, redisReply **reply, struct error *error)
{
    *reply = redisCommandArgv(s->context, argc, argv, NULL);
    if (!*reply)
        return fail_connection(s, error);
    if ((*reply)->type != REDIS_REPLY_ERROR)
        return 0;
    int result = fail_reply(s, (*reply)->str, error);
    freeReplyObject(*reply);
    *reply = NULL;
    return result;
}

static int log_in(struct redis_stream *s, const struct redis_stream_options *o, struct error *error)
{
    redisReply *reply;
    const char *with_user[] = {"AUTH", o->user, o->password}, *alone[] = {"AUTH", o->password};
    if (!o->password || !o->password[0])
        return 0;
    bool named = o->user && o->user[0];
    int result = ask(s, named ? 3 : 2, named ? with_user : alone, &reply, error);
    if (result == 0)
        freeReplyObject(reply);
    return result;
}

static int read_clock(struct redis_stream *s, struct error *error)
{
    static const char *command[] = {"TIME"};
    redisReply *reply;
    struct instant before = clock_now();
    int result = ask(s, 1, command, &reply, error);
    if (result < 0)
        return result;
    int64_t seconds, micros;
    struct instant after = clock_now();
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0]->str &&
        reply->element[1]->str && text_to_int64(reply->element[0]->str, &seconds) &&
        text_to_int64(reply->element[1]->str, &micros)) {
        int64_t middle = before.wall_ns + (after.mono_ns - before.mono_ns) / 2;
        s->ahead_ns = seconds * NS_PER_S + micros * 1000 - middle;
        s->clock_read_ns = after.mono_ns;
    } else {
        result = error_set(error, ERR_FORMAT, "%s: TIME gave no time: not a Redis server?", s->shown);
    }
    freeReplyObject(reply);
    return result;
}

static int connect_to(struct redis_stream *s, const struct redis_stream_options *o, struct error *error)
{
    s->context = redisConnectWithTimeout(o->host, o->port, to_timeval(o->timeout_ns));
    if (!s->context || s->context->err)
        return fail_connection(s, error);
    if (redisSetTimeout(s->context, to_timeval(o->timeout_ns)) != REDIS_OK)
        return fail_connection(s, error);
    redisEnableKeepAlive(s->context);
    int result = log_in(s, o, error);
    return result < 0 ? result : read_clock(s, error);
}

int redis_stream_open(const struct redis_stream_options *options, struct redis_stream **stream,
                      struct error *error)
{
    *stream = NULL;
    struct redis_stream *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(error, "a Redis stream");
    text_format(s->shown, sizeof s->shown, "Redis at %s:%d", options->host, options->port);
    s->timeout_ns = options->timeout_ns > 0 ? options->timeout_ns : 5 * NS_PER_S;
    s->key = text_duplicate(options->key);
    s->field = text_duplicate(options->field);
    int result = s->key && s->field ? connect_to(s, options, error) : error_nomem(error, s->shown);
    if (result < 0) {
        redis_stream_close(&s);
        return result;
    }
    int64_t from_ms = (clock_wall_ns() + s->ahead_ns - options->age_ns) / NS_PER_MS;
    text_format(s->id, sizeof s->id, "%lld-0", (long long)(from_ms > 0 ? from_ms : 0));
    *stream = s;
    return 0;
}

void redis_stream_close(struct redis_stream **stream)
{
    struct redis_stream *s = *stream;
    *stream = NULL;
    if (!s)
        return;
    if (s->reply)
        freeReplyObject(s->reply);
    if (s->context)
        redisFree(s->context);
    free(s->key);
    free(s->field);
    free(s);
}

/* ---- entries: [id, [field, value, ...]] ---- */

static struct instant arrival_of(const struct redis_stream *s, const char *id)
{
    struct instant now = clock_now();
    int64_t ms = strtoll(id, NULL, 10);
    int64_t age = now.wall_ns + s->ahead_ns - ms * NS_PER_MS;
    if (ms < LEAST_TIME_MS || ms > 9 * LEAST_TIME_MS || age < 0)
        return now;
    return (struct instant){now.wall_ns - age, now.mono_ns - age};
}

static bool read_entry(struct redis_stream *s, const redisReply *item, struct redis_entry *entry)
{
    if (item->type != REDIS_REPLY_ARRAY || item->elements != 2 ||
        item->element[0]->type != REDIS_REPLY_STRING)
        return false;
    const redisReply *fields = item->element[1];
    *entry = (struct redis_entry){.arrival = arrival_of(s, item->element[0]->str)};
    text_copy(s->id, sizeof s->id, item->element[0]->str);
    s->read_any = true;
    for (size_t i = 0; fields->type == REDIS_REPLY_ARRAY && i + 1 < fields->elements; i += 2) {
        const redisReply *name = fields->element[i], *value = fields->element[i + 1];
        if (name->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING &&
            strcmp(name->str, s->field) == 0) {
            entry->bytes = value->str;
            entry->size = value->len;
        }
    }
    return true;
}

/* [[key, [entry, ...]]], or nil when nothing came. */
static size_t read_entries(struct redis_stream *s)
{
    const redisReply *r = s->reply;
    if (r->type != REDIS_REPLY_ARRAY || r->elements != 1 || r->element[0]->type != REDIS_REPLY_ARRAY ||
        r->element[0]->elements != 2)
        return 0;
    const redisReply *list = r->element[0]->element[1];
    size_t count = 0;
    for (size_t i = 0; list->type == REDIS_REPLY_ARRAY && i < list->elements && count < REDIS_ENTRIES_MAX;
         i++)
        count += read_entry(s, list->element[i], &s->entries[count]);
    return count;
}

int redis_stream_read(struct redis_stream *s, int64_t wait_ns, const struct redis_entry **entries,
                      size_t *count, struct error *error)
{
    char wait[24], most[16];
    *count = 0;
    *entries = s->entries;
    if (s->reply)
        freeReplyObject(s->reply);
    s->reply = NULL;
    if (clock_monotonic_ns() - s->clock_read_ns > CLOCK_EVERY_NS) {
        int result = read_clock(s, error);
        if (result < 0)
            return result;
    }
    int64_t wait_ms = wait_ns / NS_PER_MS;
    text_format(wait, sizeof wait, "%lld", (long long)(wait_ms < 1 ? 1 : wait_ms)); /* 0 would be for ever */
    text_format(most, sizeof most, "%d", REDIS_ENTRIES_MAX);
    const char *command[] = {"XREAD", "COUNT", most, "BLOCK", wait, "STREAMS", s->key, s->id};
    if (redisSetTimeout(s->context, to_timeval(s->timeout_ns + wait_ns)) != REDIS_OK)
        return fail_connection(s, error);
    int result = ask(s, 8, command, &s->reply, error);
    if (result == 0)
        *count = read_entries(s);
    return result;
}

/* Ids are MS-SEQUENCE. */
static bool is_after(const char *a, const char *b)
{
    char *rest_a, *rest_b;
    long long ms_a = strtoll(a, &rest_a, 10), ms_b = strtoll(b, &rest_b, 10);
    if (ms_a != ms_b)
        return ms_a > ms_b;
    return strtoll(rest_a + (*rest_a == '-'), NULL, 10) > strtoll(rest_b + (*rest_b == '-'), NULL, 10);
}

bool redis_stream_was_trimmed(struct redis_stream *s)
{
    const char *command[] = {"XRANGE", s->key, "-", "+", "COUNT", "1"};
    redisReply *reply;
    struct error ignored;
    if (!s->read_any || ask(s, 6, command, &reply, &ignored) < 0)
        return false;
    bool trimmed = false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 &&
        reply->element[0]->type == REDIS_REPLY_ARRAY && reply->element[0]->elements == 2 &&
        reply->element[0]->element[0]->type == REDIS_REPLY_STRING)
        trimmed = is_after(reply->element[0]->element[0]->str, s->id);
    freeReplyObject(reply);
    return trimmed;
}
