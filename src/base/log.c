#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/json_write.h"

static enum log_level least_level = LOG_INFO;
static enum log_format line_format = LOG_TEXT;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void log_configure(enum log_level least, enum log_format format)
{
    least_level = least;
    line_format = format;
}

static void write_line(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, bytes, size);
        if (n <= 0)
            return; /* nobody reads the log: nowhere to say it */
        bytes += n;
        size -= (size_t)n;
    }
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
    if (line_format == LOG_JSON)
        format_json(&line, level, area, message);
    else
        format_text(&line, level, area, message);
    buffer_append_char(&line, '\n');
    if (!line.failed)
        write_line(line.data, line.size);
    buffer_free(&line);
}
