/*
 * The alert journal: where a change of an alert is safe before anybody hears of it. One file whose place on
 * the disk is taken at creation, so that a full disk cannot keep an alert from being written.
 *
 * The file is two regions of equal size. One is current; when it is full, what still matters is written to
 * the other one, which then becomes current by its header. Numbers are little-endian.
 *
 *     region:  "SCIALERT", u32 format version, u32 CRC-32 of the generation's 8 bytes, i64 generation, then
 * records record:  u32 length of the payload, u32 CRC-32 of generation and payload, payload (alert_record.h)
 *
 * The current region is the one with the valid header of the greater generation. It ends at the first record
 * that is not whole: a tail that was torn by a crash was never answered for. Records of an earlier use of the
 * region do not have its generation in their CRC and so end it too. A file with such a tail is made anew at
 * opening: whole records behind a torn one must not come back when it is overwritten.
 *
 * Not thread-safe: it belongs to the alert thread. The file is locked: one process has it.
 */
#ifndef SCI_ALERTING_JOURNAL_H
#define SCI_ALERTING_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/alert.h"

struct journal; /* opaque */

enum { JOURNAL_BYTES_LEAST = 65536, JOURNAL_BYTES_MOST = 1 << 28 };

/* An event that was found; anything but 0 ends the reading and is returned. */
typedef int journal_visit(void *user, const struct alert_event *event);

/* Opens or creates. `bytes` is kept within the limits above; a file of another size is made anew with what it
 * holds (where that fails for want of room, it stays as it is). ERR_FORMAT: a file that is no journal;
 * ERR_CONFLICT: another process has it. */
int journal_open(const char *path, size_t bytes, journal_visit *visit, void *user, struct journal **journal,
                 struct error *error);
void journal_close(struct journal **journal); /* NULL is fine */

/* Not safe before journal_sync. ERR_FULL: the region is full, write anew. After an error the record is not
 * there. */
int journal_append(struct journal *journal, const struct alert_event *event, struct error *error);
int journal_sync(struct journal *journal, struct error *error);
/* Writes these events, in this order, in place of all there are; safe on return. On failure everything stays
 * as it was. ERR_FULL when they do not fit. */
int journal_write_anew(struct journal *journal, const struct alert_event *const *events, size_t count,
                       struct error *error);
size_t journal_used(const struct journal *journal);
size_t journal_room(const struct journal *journal); /* for records in an empty region */

/* The events in a whole file's bytes; what journal_open does, without a file. *used: bytes of the current
 * region's records, *region: 0 or 1, *generation. ERR_FORMAT. */
struct journal_place {
    int region;
    int64_t generation;
    size_t used;
};
int journal_parse(const void *bytes, size_t size, journal_visit *visit, void *user,
                  struct journal_place *place, struct error *error);

#endif
