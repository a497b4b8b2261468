#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json_write.h"
#include "base/log_internal.h"

static enum log_level least_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_configure(enum log_level least, enum log_format format)
{
    least_level = least;
    line_format = format;
}

static void format_json(struct buffer *line, enum log_level level, const char *area, const char *message)
{
    struct json_writer w = json_writer_on(line);
    json_object_begin(&w);
    json_put_time(&w, "time", clock_wall_ns());
    json_put_string(&w, "level", level_names[level]);
    json_put_string(&w, "area", area);
    json_put_string(&w, "message", message);
    json_object_end(&w);
}

static void format_text(struct buffer *line, enum log_level level, const char *area, char *message)
{
    char time[TIME_TEXT_SIZE];
    for (char *c = message; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = ' '; /* one event, one line */
    buffer_printf(line, "%s %-7s %s: %s", time_format(clock_wall_ns(), time), level_names[level], area,
                  message);
}

void log_format_line(struct buffer *line, enum log_level level, const char *area, char *message)
{
    if (line_format == LOG_JSON)
        format_json(line, level, area, message);
    else
        format_text(line, level, area, message);
    buffer_append_char(line, '\n');
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
    if (level < least_level)
        return;
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    struct buffer line = {0};
    log_format_line(&line, level, area, message);
    if (line.failed)
        log_lose_line();
    else
        log_put_line(line.data, line.size);
    buffer_free(&line);
}
