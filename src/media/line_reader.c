#include "media/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LOOK_MS 50 /* how often the cancel flag is looked at */

int line_reader_init(struct line_reader *reader, int fd, bool pipe, size_t limit, const atomic_bool *cancel,
                     struct error *error)
{
    *reader = (struct line_reader){.fd = fd, .pipe = pipe, .limit = limit, .cancel = cancel};
    reader->bytes = malloc(limit + 1);
    return reader->bytes ? 0 : error_nomem(error, "lines of text");
}

void line_reader_free(struct line_reader *reader)
{
    free(reader->bytes);
    *reader = (struct line_reader){0};
}

void line_reader_restart(struct line_reader *reader)
{
    reader->begin = reader->end = 0;
    reader->too_long = reader->ended = false;
    reader->line = 0;
}

static int wait_a_little(struct line_reader *r, int64_t deadline_ns, struct error *error)
{
    struct pollfd poll_fd = {.fd = r->fd, .events = POLLIN};
    bool waits = r->patient && r->pipe && r->written;
    if (!waits && clock_monotonic_ns() >= deadline_ns)
        return error_set(error, ERR_TIMEOUT, r->written ? "no line in time" : "nobody writes to the pipe");
    /* A pipe without a writer is always "ready": looked at again after a while. */
    if (poll(&poll_fd, 1, LOOK_MS) > 0 && !(poll_fd.revents & POLLIN))
        clock_sleep_ns(LOOK_MS * NS_PER_MS);
    return 0;
}

/* More bytes behind those that are there; 0 also when there are none yet. */
static int fill(struct line_reader *r, int64_t deadline_ns, struct error *error)
{
    if (r->cancel && atomic_load(r->cancel))
        return error_set(error, ERR_CANCELED, "interrupted");
    if (r->begin > 0) {
        memmove(r->bytes, r->bytes + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    ssize_t n = read(r->fd, r->bytes + r->end, r->limit + 1 - r->end);
    if (n > 0) {
        r->end += (size_t)n;
        r->written = true;
        return 0;
    }
    if (n < 0 && errno == EAGAIN)
        r->written = true; /* nothing yet, but somebody has it open */
    else if (n < 0 && errno != EINTR)
        return error_set_errno(error, errno, "cannot be read");
    else if (n == 0 && !r->pipe)
        r->ended = true;
    else if (n == 0 && r->written)
        return error_set(error, ERR_CLOSED, "the writer has closed the pipe");
    return r->ended ? 0 : wait_a_little(r, deadline_ns, error);
}

static void give(struct line_reader *r, size_t n, size_t skip, const char **line, size_t *size)
{
    *line = r->bytes + r->begin;
    *size = n;
    r->begin += n + skip;
    r->line++;
}

static int give_last(struct line_reader *r, const char **line, size_t *size, struct error *error)
{
    if (r->begin == r->end || r->too_long)
        return error_set(error, ERR_END, "end of the file");
    give(r, r->end - r->begin, 0, line, size);
    return 0;
}

int line_reader_next(struct line_reader *r, int64_t deadline_ns, const char **line, size_t *size,
                     struct error *error)
{
    for (;;) {
        size_t used = r->end - r->begin;
        char *end = memchr(r->bytes + r->begin, '\n', used);
        if (end && r->too_long) {
            r->too_long = false;
            r->begin = (size_t)(end + 1 - r->bytes);
            continue;
        }
        if (end) {
            give(r, (size_t)(end - r->bytes) - r->begin, 1, line, size);
            return 0;
        }
        if (r->ended)
            return give_last(r, line, size, error);
        if (used > r->limit) {
            bool first = !r->too_long;
            r->too_long = true;
            r->begin = r->end;
            r->line += first;
            if (first)
                return error_set(error, ERR_FULL, "longer than %zu bytes", r->limit);
        }
        int result = fill(r, deadline_ns, error);
        if (result == ERR_CLOSED && r->begin < r->end && !r->too_long) {
            r->begin = r->end;
            r->line++;
            return error_set(error, ERR_FORMAT, "cut off: the writer closed the pipe within a line");
        }
        if (result < 0)
            return result;
    }
}
