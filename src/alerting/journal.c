#include "alerting/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerting/alert_record.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"

#define MAGIC "SCIALERT"
enum { FORMAT_VERSION = 1, HEADER_SIZE = 24, RECORD_HEADER = 8, ALIGNMENT = 8192, PATH_SIZE = 4096 };

struct journal {
    char *path;
    int fd;
    size_t bytes; /* of the file: two regions */
    struct journal_place place;
    bool has_tail; /* at opening: something follows the last whole record */
    struct buffer scratch;
};

/* ---- bytes ---- */

static uint32_t generation_crc(int64_t generation)
{
    unsigned char bytes[8];
    bytes_store_i64(bytes, generation);
    return crc32_update(0, bytes, sizeof bytes);
}

static void write_header(unsigned char out[HEADER_SIZE], int64_t generation)
{
    memcpy(out, MAGIC, 8);
    bytes_store_u32(out + 8, FORMAT_VERSION);
    bytes_store_u32(out + 12, generation_crc(generation));
    bytes_store_i64(out + 16, generation);
}

/* 0: no valid header. Generations count from 1. */
static int64_t read_header(const unsigned char *at)
{
    if (memcmp(at, MAGIC, 8) != 0 || bytes_load_u32(at + 8) != FORMAT_VERSION)
        return 0;
    int64_t generation = bytes_load_i64(at + 16);
    return generation > 0 && bytes_load_u32(at + 12) == generation_crc(generation) ? generation : 0;
}

static void append_record(struct buffer *out, const struct alert_event *event, int64_t generation)
{
    const unsigned char empty[RECORD_HEADER] = {0};
    size_t start = out->size;
    buffer_append(out, empty, sizeof empty);
    alert_record_encode(event, out);
    if (out->failed)
        return;
    const char *payload = out->data + start + RECORD_HEADER;
    size_t size = out->size - start - RECORD_HEADER;
    bytes_store_u32(out->data + start, (uint32_t)size);
    bytes_store_u32(out->data + start + 4, crc32_update(generation_crc(generation), payload, size));
}

/* Visits the records of a region; *used is where they end. */
static int visit_records(const unsigned char *at, size_t size, int64_t generation, journal_visit *visit,
                         void *user, size_t *used, struct error *error)
{
    *used = 0;
    while (size - *used >= RECORD_HEADER) {
        const unsigned char *record = at + *used;
        uint32_t length = bytes_load_u32(record);
        if (length == 0 || length > ALERT_RECORD_MAX || length > size - *used - RECORD_HEADER)
            return 0;
        if (crc32_update(generation_crc(generation), record + RECORD_HEADER, length) !=
            bytes_load_u32(record + 4))
            return 0;
        struct alert_event event; /* one that is whole but of another version is passed over */
        int code = alert_record_decode(record + RECORD_HEADER, length, &event, NULL);
        code = code == 0 ? visit(user, &event) : 0;
        if (code != 0)
            return error_set(error, code, "alert journal: reading was ended");
        *used += RECORD_HEADER + length;
    }
    return 0;
}

static bool is_blank(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

int journal_parse(const void *bytes, size_t size, journal_visit *visit, void *user,
                  struct journal_place *place, struct error *error)
{
    const unsigned char *at = bytes;
    size_t region_size = size / 2;
    *place = (struct journal_place){0};
    if (is_blank(at, size))
        return 0; /* created, and interrupted before its first header: nothing was ever written */
    if (region_size < HEADER_SIZE)
        return error_set(error, ERR_FORMAT, "no alert journal: too short");
    int64_t generations[2] = {read_header(at), read_header(at + region_size)};
    place->region = generations[1] > generations[0];
    place->generation = generations[place->region];
    if (place->generation == 0)
        return error_set(error, ERR_FORMAT, "no alert journal, or one of another version");
    return visit_records(at + (size_t)place->region * region_size + HEADER_SIZE, region_size - HEADER_SIZE,
                         place->generation, visit, user, &place->used, error);
}

/* ---- the file ---- */

static size_t region_size(const struct journal *journal)
{
    return journal->bytes / 2;
}

size_t journal_room(const struct journal *journal)
{
    return region_size(journal) - HEADER_SIZE;
}

size_t journal_used(const struct journal *journal)
{
    return journal->place.used;
}

static int write_at(struct journal *journal, size_t offset, const void *bytes, size_t size,
                    struct error *error)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = pwrite(journal->fd, at, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return error_set_errno(error, written < 0 ? errno : EIO, "alert journal %s", journal->path);
        at += written;
        offset += (size_t)written;
        size -= (size_t)written;
    }
    return 0;
}

int journal_sync(struct journal *journal, struct error *error)
{
    if (fdatasync(journal->fd) < 0)
        return error_set_errno(error, errno, "alert journal %s: sync", journal->path);
    return 0;
}

int journal_append(struct journal *journal, const struct alert_event *event, struct error *error)
{
    struct buffer *out = &journal->scratch;
    buffer_clear(out);
    append_record(out, event, journal->place.generation);
    if (out->failed)
        return error_nomem(error, "alert journal");
    if (out->size > journal_room(journal) - journal->place.used)
        return error_set(error, ERR_FULL, "alert journal %s: full", journal->path);
    size_t offset = (size_t)journal->place.region * region_size(journal) + HEADER_SIZE + journal->place.used;
    int code = write_at(journal, offset, out->data, out->size, error);
    if (code == 0)
        journal->place.used += out->size;
    return code;
}

/* The other region's records first, and only when they are safe its header: at every moment one region is
 * whole. */
int journal_write_anew(struct journal *journal, const struct alert_event *const *events, size_t count,
                       struct error *error)
{
    struct journal_place next = {.region = !journal->place.region,
                                 .generation = journal->place.generation + 1};
    unsigned char header[HEADER_SIZE];
    size_t start = (size_t)next.region * region_size(journal);
    struct buffer *out = &journal->scratch;
    buffer_clear(out);
    for (size_t i = 0; i < count; i++)
        append_record(out, events[i], next.generation);
    if (out->failed)
        return error_nomem(error, "alert journal");
    if (out->size > journal_room(journal))
        return error_set(error, ERR_FULL, "alert journal %s: %zu events do not fit", journal->path, count);
    next.used = out->size;
    write_header(header, next.generation);
    int code = write_at(journal, start + HEADER_SIZE, out->data, out->size, error);
    if (code == 0)
        code = journal_sync(journal, error);
    if (code == 0)
        code = write_at(journal, start, header, sizeof header, error);
    if (code == 0)
        code = journal_sync(journal, error);
    if (code == 0)
        journal->place = next;
    buffer_free(out); /* as large as all events; records are small again now */
    return code;
}

static size_t proper_size(size_t bytes)
{
    if (bytes < JOURNAL_BYTES_LEAST)
        return JOURNAL_BYTES_LEAST;
    if (bytes > JOURNAL_BYTES_MOST)
        return JOURNAL_BYTES_MOST;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int open_locked(struct journal *journal, const char *path, struct error *error)
{
    journal->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (journal->fd < 0)
        return error_set_errno(error, errno, "alert journal %s", path);
    if (flock(journal->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK
                   ? error_set(error, ERR_CONFLICT, "alert journal %s: another process has it", path)
                   : error_set_errno(error, errno, "alert journal %s: lock", path);
    return 0;
}

/* Takes the file's place on the disk and writes the first header. */
static int lay_out(struct journal *journal, size_t bytes, struct error *error)
{
    unsigned char header[HEADER_SIZE];
    int reason = posix_fallocate(journal->fd, 0, (off_t)bytes);
    if (reason != 0)
        return error_set_errno(error, reason, "alert journal %s: its %zu bytes", journal->path, bytes);
    journal->bytes = bytes;
    journal->place = (struct journal_place){.generation = 1};
    write_header(header, 1);
    int code = write_at(journal, 0, header, sizeof header, error);
    return code < 0 ? code : journal_sync(journal, error);
}

static int load(struct journal *journal, journal_visit *visit, void *user, struct error *error)
{
    struct buffer content = {0};
    int code = file_read(journal->path, JOURNAL_BYTES_MOST, &content, error);
    if (code == 0)
        code = journal_parse(content.data ? content.data : "", content.size, visit, user, &journal->place,
                             error);
    if (code < 0)
        (void)error_prefix(error, "%s", journal->path);
    journal->bytes = content.size;
    size_t end = (size_t)journal->place.region * (content.size / 2) + HEADER_SIZE + journal->place.used;
    size_t region_end = (size_t)(journal->place.region + 1) * (content.size / 2);
    journal->has_tail = code == 0 && journal->place.generation > 0 &&
                        !is_blank((const unsigned char *)content.data + end, region_end - end);
    buffer_free(&content);
    return code;
}

/* ---- another size ---- */

struct gathered {
    size_t count;
    struct alert_event *events;
};

static int gather(void *user, const struct alert_event *event)
{
    struct gathered *gathered = user;
    struct alert_event *grown = realloc(gathered->events, (gathered->count + 1) * sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    gathered->events = grown;
    grown[gathered->count++] = *event;
    return 0;
}

static int put_in_place(const char *from, const char *path, struct error *error)
{
    char folder[PATH_SIZE];
    text_copy(folder, sizeof folder, path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && rename(from, path) == 0;
    int reason = errno;
    if (fd >= 0) {
        (void)fsync(fd); /* either name is a whole journal until the next change */
        close(fd);
    }
    return done ? 0 : error_set_errno(error, reason, "alert journal %s", path);
}

/* A second file of the right size with the same events, put in the first one's place. The old one stays if
 * that fails. */
static int make_resized(struct journal *journal, size_t bytes, struct error *error)
{
    char path[PATH_SIZE];
    struct gathered gathered = {0};
    struct journal next = {.path = journal->path, .fd = -1};
    text_format(path, sizeof path, "%s.new", journal->path);
    (void)unlink(path);
    int code = load(journal, gather, &gathered, error);
    if (code == 0)
        code = open_locked(&next, path, error);
    if (code == 0)
        code = lay_out(&next, bytes, error);
    for (size_t i = 0; i < gathered.count && code == 0; i++)
        code = journal_append(&next, &gathered.events[i], error);
    if (code == 0)
        code = journal_sync(&next, error);
    if (code == 0)
        code = put_in_place(path, journal->path, error);
    int kept = code == 0 ? journal->fd : next.fd; /* the one to close */
    if (code == 0) {
        journal->fd = next.fd;
        journal->bytes = next.bytes;
        journal->place = next.place;
    } else {
        (void)unlink(path);
    }
    if (kept >= 0)
        close(kept);
    buffer_free(&next.scratch);
    free(gathered.events);
    return code;
}

static int open_or_create(struct journal *journal, size_t bytes, journal_visit *visit, void *user,
                          struct error *error)
{
    struct stat status;
    int code = open_locked(journal, journal->path, error);
    if (code < 0)
        return code;
    if (fstat(journal->fd, &status) < 0)
        return error_set_errno(error, errno, "alert journal %s", journal->path);
    if (status.st_size == 0)
        return lay_out(journal, bytes, error);
    code = load(journal, visit, user, error);
    if (code < 0)
        return code;
    if (journal->place.generation == 0)
        return lay_out(journal, bytes, error);
    /* Behind a torn record there may be whole ones, which a new record of its length would bring back. */
    if (journal->bytes != bytes || journal->has_tail)
        (void)make_resized(journal, bytes, NULL);
    return 0;
}

static int make_folder(const char *path, struct error *error)
{
    char folder[PATH_SIZE];
    text_copy(folder, sizeof folder, path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return 0;
    *slash = '\0';
    return file_make_dirs(folder, error);
}

int journal_open(const char *path, size_t bytes, journal_visit *visit, void *user, struct journal **journal,
                 struct error *error)
{
    *journal = NULL;
    struct journal *opened = calloc(1, sizeof *opened);
    if (!opened || !(opened->path = text_duplicate(path))) {
        free(opened);
        return error_nomem(error, "alert journal");
    }
    opened->fd = -1;
    int code = make_folder(path, error);
    if (code == 0)
        code = open_or_create(opened, proper_size(bytes), visit, user, error);
    if (code < 0) {
        journal_close(&opened);
        return code;
    }
    *journal = opened;
    return 0;
}

void journal_close(struct journal **journal)
{
    struct journal *closing = *journal;
    if (!closing)
        return;
    *journal = NULL;
    if (closing->fd >= 0)
        close(closing->fd);
    buffer_free(&closing->scratch);
    free(closing->path);
    free(closing);
}
