/* Between the two halves of the log: log.c makes lines, log_writer.c brings them to standard error. */
#ifndef SCI_BASE_LOG_INTERNAL_H
#define SCI_BASE_LOG_INTERNAL_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/log.h"

/* Adds one line with its end; control characters in `message` become spaces. */
void log_format_line(struct buffer *line, enum log_level level, const char *area, char *message);

/* Takes one line, now or later; counts it as lost if it cannot. Waits for nobody while the thread runs. */
void log_put_line(const char *bytes, size_t size);
/* A line that there was no memory for. */
void log_lose_line(void);

#endif
