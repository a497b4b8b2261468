#include "cli/analyze_output.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json_write.h"

int analyze_format_parse(const char *name, enum analyze_format *format)
{
    static const char *const names[] = {"jsonl", "csv", "mot"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *format = (enum analyze_format)i;
            return 0;
        }
    return ERR_INVALID;
}

static int put(FILE *out, const struct buffer *text, struct error *error)
{
    if (text->failed)
        return error_nomem(error, "output");
    if (text->size > 0 && fwrite(text->data, 1, text->size, out) != text->size)
        return error_set_errno(error, errno, "cannot write the output");
    return 0;
}

int analyze_write_head(FILE *out, enum analyze_format format, struct error *error)
{
    static const char columns[] = "frame,time_s,track_id,x,y,w,h,score,ground_x,ground_y\n";
    if (format == ANALYZE_CSV && fputs(columns, out) < 0)
        return error_set_errno(error, errno, "cannot write the output");
    return 0;
}

static void format_json(struct buffer *text, const struct snapshot *s)
{
    struct json_writer w = json_writer_on(text);
    json_object_begin(&w);
    json_put_int(&w, "frame", s->frame);
    json_put_number(&w, "time_s", (double)s->stream_ns / 1e9, 6);
    snapshot_write_crowd_data(&w, s);
    json_object_end(&w);
    buffer_append_char(text, '\n');
}

static void format_csv(struct buffer *text, const struct snapshot *s)
{
    for (size_t i = 0; i < s->track_count; i++) {
        const struct track *t = &s->tracks[i];
        buffer_printf(text, "%lld,%.6f,%lld,%.2f,%.2f,%.2f,%.2f,%.3f,", (long long)s->frame,
                      (double)s->stream_ns / 1e9, (long long)t->track_id, (double)t->box.x, (double)t->box.y,
                      (double)t->box.w, (double)t->box.h, (double)t->score);
        if (t->ground.valid)
            buffer_printf(text, "%.3f,%.3f\n", t->ground.position.x, t->ground.position.y);
        else
            buffer_append_text(text, ",\n");
    }
}

static void format_mot(struct buffer *text, const struct snapshot *s)
{
    for (size_t i = 0; i < s->track_count; i++) {
        const struct track *t = &s->tracks[i];
        buffer_printf(text, "%lld,%lld,%.2f,%.2f,%.2f,%.2f,%.3f,-1,-1,-1\n", (long long)s->frame,
                      (long long)t->track_id, (double)t->box.x, (double)t->box.y, (double)t->box.w,
                      (double)t->box.h, (double)t->score);
    }
}

int analyze_write_snapshot(FILE *out, enum analyze_format format, const struct snapshot *snapshot,
                           struct error *error)
{
    static void (*const formats[])(struct buffer *, const struct snapshot *) = {format_json, format_csv,
                                                                                format_mot};
    struct buffer text = {0};
    formats[format](&text, snapshot);
    int result = put(out, &text, error);
    buffer_free(&text);
    return result;
}
