/*
 * The log: one line per event on standard error, as text or as JSON (one object a line). Thread-safe; a line
 * is written with one write. No secret may reach it: URIs are passed through `uri_redact` (base/uri.h)
 * first.
 */
#ifndef SCI_BASE_LOG_H
#define SCI_BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

/* Before the first thread starts. */
void log_configure(enum log_level least, enum log_format format);

/* `area` is the folder or component ("media", "store"). */
void log_write(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(area, ...) log_write(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...) log_write(LOG_INFO, area, __VA_ARGS__)
#define log_warning(area, ...) log_write(LOG_WARNING, area, __VA_ARGS__)
#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)

#endif
