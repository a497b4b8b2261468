#include "store/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"
#include "store/spool_record.h"

enum { SEGMENT_BYTES = 4 << 20, ENTRIES_PER_RECORD = 500, PATH_SIZE = 4096 };

struct segment {
    uint64_t number;
    int64_t size;
};

struct spool {
    char *dir;
    int64_t limit_bytes, total_bytes;
    size_t segment_count;
    struct segment *segments; /* oldest first; the last one is being written while fd >= 0 */
    uint64_t next_number;
    int fd;
    bool unsynced;
    struct buffer scratch; /* a record under way */
    struct buffer oldest;  /* segments[0], while it is being read */
    size_t offset;
    bool has_batch;
    struct spool_batch batch;
    size_t damaged;
};

static void segment_path(const struct spool *spool, uint64_t number, char out[PATH_SIZE])
{
    char name[64];
    text_format(name, sizeof name, "spool-%016llx.dat", (unsigned long long)number);
    path_join(out, PATH_SIZE, spool->dir, name);
}

static int add_segment(struct spool *spool, struct segment segment)
{
    struct segment *grown = realloc(spool->segments, (spool->segment_count + 1) * sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    spool->segments = grown;
    grown[spool->segment_count++] = segment;
    spool->total_bytes += segment.size;
    if (segment.number >= spool->next_number)
        spool->next_number = segment.number + 1;
    return 0;
}

static bool parse_name(const char *name, uint64_t *number)
{
    unsigned long long value;
    int end = 0;
    if (strlen(name) != 26 || sscanf(name, "spool-%16llx.dat%n", &value, &end) != 1 || end != 26)
        return false;
    *number = value;
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = ((const struct segment *)a)->number, y = ((const struct segment *)b)->number;
    return x < y ? -1 : x > y;
}

static int find_segments(struct spool *spool, struct error *error)
{
    DIR *dir = opendir(spool->dir);
    if (!dir)
        return error_set_errno(error, errno, "spool %s", spool->dir);
    int code = 0;
    const struct dirent *entry;
    while (code == 0 && (entry = readdir(dir))) {
        struct segment segment;
        char path[PATH_SIZE];
        if (!parse_name(entry->d_name, &segment.number))
            continue;
        segment_path(spool, segment.number, path);
        segment.size = file_size(path);
        if (segment.size >= 0)
            code = add_segment(spool, segment);
    }
    closedir(dir);
    if (spool->segment_count > 0)
        qsort(spool->segments, spool->segment_count, sizeof *spool->segments, by_number);
    return code < 0 ? error_nomem(error, "spool") : 0;
}

int spool_open(const char *dir, int64_t limit_bytes, struct spool **spool, struct error *error)
{
    *spool = NULL;
    struct spool *opened = calloc(1, sizeof *opened);
    if (!opened)
        return error_nomem(error, "spool");
    opened->fd = -1;
    opened->limit_bytes = limit_bytes;
    opened->dir = text_duplicate(dir);
    int code = opened->dir ? file_make_dirs(dir, error) : error_nomem(error, "spool");
    if (code == 0)
        code = find_segments(opened, error);
    if (code < 0) {
        spool_close(&opened);
        return code;
    }
    *spool = opened;
    return 0;
}

static void finish_writing(struct spool *spool)
{
    if (spool->fd < 0)
        return;
    (void)spool_sync(spool, NULL);
    close(spool->fd);
    spool->fd = -1;
    spool->unsynced = false;
}

void spool_close(struct spool **spool)
{
    struct spool *closing = *spool;
    if (!closing)
        return;
    *spool = NULL;
    finish_writing(closing);
    spool_batch_free(&closing->batch);
    buffer_free(&closing->oldest);
    buffer_free(&closing->scratch);
    free(closing->segments);
    free(closing->dir);
    free(closing);
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Appends to the segment being written, or takes back what was written of it. */
static int append(struct spool *spool, const char *bytes, size_t size, struct error *error)
{
    struct segment *segment = &spool->segments[spool->segment_count - 1];
    int reason = write_all(spool->fd, bytes, size);
    if (reason != 0) {
        if (ftruncate(spool->fd, segment->size) < 0)
            finish_writing(spool); /* a torn tail: nothing may follow it */
        return error_set_errno(error, reason == EFBIG ? ENOSPC : reason, "spool %s", spool->dir);
    }
    segment->size += (int64_t)size;
    spool->total_bytes += (int64_t)size;
    spool->unsynced = true;
    return 0;
}

static int begin_segment(struct spool *spool, struct error *error)
{
    char path[PATH_SIZE];
    segment_path(spool, spool->next_number, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    if (fd < 0)
        return error_set_errno(error, errno, "spool %s", path);
    if (add_segment(spool, (struct segment){.number = spool->next_number}) < 0) {
        close(fd);
        unlink(path);
        return error_nomem(error, "spool");
    }
    spool->fd = fd;
    unsigned char header[SPOOL_HEADER_SIZE] = SPOOL_MAGIC;
    bytes_store_u32(header + 8, SPOOL_VERSION);
    return append(spool, (const char *)header, sizeof header, error);
}

static int ready_to_append(struct spool *spool, size_t size, struct error *error)
{
    if (spool->total_bytes + (int64_t)size > spool->limit_bytes)
        return error_set(error, ERR_FULL, "spool %s: its limit of %lld bytes is reached", spool->dir,
                         (long long)spool->limit_bytes);
    if (spool->fd >= 0 && spool->segments[spool->segment_count - 1].size >= SEGMENT_BYTES)
        finish_writing(spool);
    return spool->fd < 0 ? begin_segment(spool, error) : 0;
}

static int append_scratch(struct spool *spool, struct error *error)
{
    if (spool->scratch.failed)
        return error_nomem(error, "spool");
    int code = ready_to_append(spool, spool->scratch.size, error);
    return code < 0 ? code : append(spool, spool->scratch.data, spool->scratch.size, error);
}

int spool_append_rows(struct spool *spool, const struct analytics_row *rows, size_t count,
                      struct error *error)
{
    struct buffer *out = &spool->scratch;
    buffer_clear(out);
    for (size_t i = 0; i < count;) {
        size_t start = out->size;
        spool_begin_record(out);
        for (size_t n = 0; n < ENTRIES_PER_RECORD && i < count; n++, i++)
            spool_put_row(out, &rows[i]);
        spool_end_record(out, start);
    }
    return count > 0 ? append_scratch(spool, error) : 0;
}

int spool_append_metrics(struct spool *spool, const struct system_metric *metrics, size_t count,
                         struct error *error)
{
    struct buffer *out = &spool->scratch;
    buffer_clear(out);
    for (size_t i = 0; i < count;) {
        size_t start = out->size;
        spool_begin_record(out);
        for (size_t n = 0; n < ENTRIES_PER_RECORD && i < count; n++, i++)
            spool_put_metric(out, &metrics[i]);
        spool_end_record(out, start);
    }
    return count > 0 ? append_scratch(spool, error) : 0;
}

int spool_sync(struct spool *spool, struct error *error)
{
    if (spool->fd < 0 || !spool->unsynced)
        return 0;
    if (fdatasync(spool->fd) < 0)
        return error_set_errno(error, errno, "spool %s: sync", spool->dir);
    spool->unsynced = false;
    return 0;
}

int64_t spool_bytes(const struct spool *spool)
{
    return spool->total_bytes;
}

size_t spool_take_damaged(struct spool *spool)
{
    size_t damaged = spool->damaged;
    spool->damaged = 0;
    return damaged;
}

static int delete_oldest(struct spool *spool, struct error *error)
{
    char path[PATH_SIZE];
    segment_path(spool, spool->segments[0].number, path);
    if (unlink(path) < 0 && errno != ENOENT)
        return error_set_errno(error, errno, "spool %s", path);
    spool->total_bytes -= spool->segments[0].size;
    spool->segment_count--;
    memmove(spool->segments, spool->segments + 1, spool->segment_count * sizeof *spool->segments);
    buffer_free(&spool->oldest);
    spool->offset = 0;
    return 0;
}

/* The segment being written may be the oldest: the next rows then go to a new one. */
static int load_oldest(struct spool *spool, struct error *error)
{
    if (spool->oldest.size > 0)
        return 0;
    if (spool->segment_count == 1)
        finish_writing(spool);
    char path[PATH_SIZE];
    segment_path(spool, spool->segments[0].number, path);
    return file_read(path, 4 * (size_t)SEGMENT_BYTES, &spool->oldest, error);
}

static int next_payload(struct spool *spool, size_t *offset, const void **payload, size_t *size)
{
    size_t damaged = 0;
    int found =
        spool_next_record(spool->oldest.data, spool->oldest.size, offset, payload, size, &damaged, NULL);
    spool->damaged += damaged;
    if (found < 0)
        spool->damaged++; /* a segment that is none */
    return found > 0;
}

/* The next batch of the oldest segment; false when it has no more. */
static bool next_batch(struct spool *spool)
{
    const void *payload;
    size_t size;
    while (next_payload(spool, &spool->offset, &payload, &size)) {
        if (spool_decode(payload, size, &spool->batch, NULL) < 0) {
            spool->damaged++;
            continue;
        }
        size_t behind = spool->offset, damaged = spool->damaged;
        spool->batch.ends_segment = !next_payload(spool, &behind, &payload, &size);
        if (!spool->batch.ends_segment)
            spool->damaged = damaged; /* counted when they are passed */
        return true;
    }
    return false;
}

int spool_peek(struct spool *spool, const struct spool_batch **batch, struct error *error)
{
    *batch = &spool->batch;
    while (!spool->has_batch && spool->segment_count > 0) {
        int code = load_oldest(spool, error);
        if (code < 0 && code != ERR_NOT_FOUND && code != ERR_FULL)
            return code; /* may pass; what is gone or far too large will not */
        spool->damaged += code < 0;
        spool->has_batch = code == 0 && next_batch(spool);
        if (!spool->has_batch && (code = delete_oldest(spool, error)) < 0)
            return code;
    }
    return spool->has_batch;
}

int spool_done(struct spool *spool, struct error *error)
{
    if (!spool->has_batch)
        return 0;
    bool ends_segment = spool->batch.ends_segment;
    spool_batch_free(&spool->batch);
    spool->has_batch = false;
    return ends_segment ? delete_oldest(spool, error) : 0;
}
