/*
 * The log: one line per event on standard error, as text or as JSON (one object a line). Thread-safe; a line
 * is written with one write. No secret may reach it: URIs are passed through `uri_redact` (base/uri.h)
 * first.
 *
 * A command that ends by itself writes each line at once. A service calls `log_start`: from then on a line is
 * put into a queue of LOG_QUEUE_BYTES, and a thread of its own writes it, so that nobody who logs, with or
 * without a lock held, ever waits for a reader that stands still or for a slow disk. When the queue is full,
 * lines are lost: they are counted, and a line says how many as soon as standard error takes lines again, at
 * the place where they are missing.
 */
#ifndef SCI_BASE_LOG_H
#define SCI_BASE_LOG_H

#include <stdint.h>

#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };
enum { LOG_QUEUE_BYTES = 256 * 1024 };

/* Before the first thread starts. */
void log_configure(enum log_level least, enum log_format format);

/* Starts the thread; a second call does nothing. What is queued is still written, for at most a second, at
 * `log_stop`, at exit(), and when the process dies by a failed assertion or a fault. A child that forks off
 * writes its lines at once again. */
int log_start(struct error *error);
/* Writes what is queued and ends the thread: lines are written at once again. Where standard error does not
 * take the lines within a second, all stays as it is, and the process may end with lines unwritten. */
void log_stop(void);

/* `area` is the folder or component ("media", "store"). */
void log_write(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Lines that were not written since the start: the queue was full, or standard error refused them. */
int64_t log_lines_lost(void);

#define log_debug(area, ...) log_write(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...) log_write(LOG_INFO, area, __VA_ARGS__)
#define log_warning(area, ...) log_write(LOG_WARNING, area, __VA_ARGS__)
#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)

#endif
