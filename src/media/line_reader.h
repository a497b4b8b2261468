/*
 * line_reader: lines of text from a file or a named pipe, of bounded length, with a deadline and a cancel
 * flag. One thread. It does not own the descriptor, which must not block.
 *
 * Of a pipe: as long as nobody has written yet it waits for a writer; once the last writer has gone,
 * ERR_CLOSED.
 */
#ifndef SCI_MEDIA_LINE_READER_H
#define SCI_MEDIA_LINE_READER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct line_reader {
    int fd;
    bool pipe;
    bool patient; /* no deadline while a writer has the pipe open: it would be killed by its next line */
    size_t limit; /* longest line, bytes without its end */
    const atomic_bool *cancel;

    /* state, zero at the start */
    char *bytes; /* limit + 1 */
    size_t begin, end;
    bool too_long; /* the rest of a line that was refused is passed over */
    bool ended;    /* the file's end has been read */
    bool written;  /* the pipe has had a writer */
    int64_t line;  /* number of the line given last, from 1 */
};

int line_reader_init(struct line_reader *reader, int fd, bool pipe, size_t limit, const atomic_bool *cancel,
                     struct error *error);
void line_reader_free(struct line_reader *reader);
/* After the descriptor was set to the file's beginning. */
void line_reader_restart(struct line_reader *reader);

/*
 * The next line without its end; it lives until the next call. A file's last line may lack its end, a pipe's
 * that was cut off is ERR_FORMAT. ERR_FULL: it is longer than the limit (once; the next call goes on behind
 * it). ERR_END, ERR_CLOSED, ERR_TIMEOUT (deadline_ns, monotonic), ERR_CANCELED, ERR_IO. Texts say nothing of
 * the file's name.
 */
int line_reader_next(struct line_reader *reader, int64_t deadline_ns, const char **line, size_t *size,
                     struct error *error);

#endif
