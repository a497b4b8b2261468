/*
 * The language of the key table (keys.c): one row says everything about a key. What a row says is used by the
 * reader (read.c), by what walks over finished values (walk.c: free, copy, compare, JSON), and by the
 * documentation (documentation.c).
 *
 * Offsets are relative to the struct of the section that the row is in, so one section can stand in several
 * places
 * (`detection` does: for all cameras, and per stream).
 */
#ifndef SCI_CONFIG_KEY_H
#define SCI_CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/json_write.h"
#include "config/config.h"
#include "config/node.h"
#include "config/report.h"

enum key_type {
    KEY_BOOL,         /* bool */
    KEY_INT,          /* int */
    KEY_COUNT,        /* size_t */
    KEY_BYTES,        /* size_t, written 65536, 64KiB, 1MiB or 2GiB */
    KEY_NUMBER,       /* double; NaN = not given (rows that are optional) */
    KEY_DURATION,     /* int64_t nanoseconds */
    KEY_TEXT,         /* char *, malloc'd */
    KEY_FIXED_TEXT,   /* char[size] */
    KEY_IDENTIFIER,   /* char[ID_SIZE]; "*" where `size` is 1 */
    KEY_CHOICE,       /* an enum, index into `choices` */
    KEY_PICTURE_SIZE, /* int width, height, one after the other; "auto" = 0 x 0 where `size` is 1 */
    KEY_TEXTS,        /* char **, malloc'd; size_t count */
    KEY_NUMBERS,      /* double[size]; the first is NaN when not given */
    KEY_ROWS,         /* double (*)[size], malloc'd; size_t count */
    KEY_POINTS,       /* struct point[ZONE_CORNERS_MAX]; size_t count */
    KEY_POLYGONS,     /* struct mask_polygon *, malloc'd; size_t count */
    KEY_SECTION,      /* a struct in place */
    KEY_LIST,         /* structs of `section`, malloc'd; size_t count */
    KEY_CONVERTED     /* written as `section`, kept as something else: `conversion` */
};

struct config_section;
struct config_reader;

/* How a key is kept otherwise than it is written. `written` is a zeroed struct of the section, filled by the
 * reader. */
struct key_conversion {
    size_t written_size;
    size_t kept_size; /* plain bytes: copied and compared as such */
    /* Adds what is wrong to the reader's report; returns 0, or ERR_NOMEM. */
    int (*keep)(struct config_reader *reader, const struct node *node, const void *written, void *kept);
    /* False: there is nothing to write. */
    bool (*write)(const void *kept, void *written);
};

struct config_key {
    const char *name;
    enum key_type type;
    enum config_restarts restarts;
    size_t offset;
    size_t count_offset;   /* of the size_t that counts what is at `offset` */
    size_t present_offset; /* of a bool that is set when a section is written; 0 = none */
    size_t size;           /* see key_type; lists and texts: the most that is allowed */
    double least, most;    /* of numbers; durations in seconds */
    const char *unit;
    const char *fallback; /* as one would write it; NULL = `optional`, or has to be given */
    bool optional;
    bool secret;   /* credentials are taken out of what is shown */
    bool inherits; /* a section that was filled already: what is not written stays */
    bool spreads;  /* a section that may be written as one scalar, which then holds for each of its keys */
    const char *const *choices;
    const struct config_section *section;
    const struct key_conversion *conversion;
    const char *text; /* one sentence or two, for people */
};

struct config_section {
    const char *title; /* for the documentation; NULL = part of the section above */
    size_t struct_size;
    const struct config_key *keys;
    size_t key_count;
    /* Called before the keys are read: fills in what is inherited. May be NULL. Returns 0 or ERR_NOMEM. */
    int (*begin)(struct config_reader *reader, void *base);
    /* Called after: checks what concerns several keys. May be NULL. `node` may be NULL. */
    int (*check)(struct config_reader *reader, const struct node *node, void *base);
};

enum { KEY_PATH_MAX = 192 };

/* One configuration being read. */
struct config_reader {
    struct config_report *report;
    const struct config *config; /* what has been read so far */
    bool from_environment;       /* environment variables override scalars */
    bool trusted;                /* the file is; what comes over the API is not */
    bool in_calibration_file;    /* which may not name another one */
    char path[KEY_PATH_MAX];     /* of the key that is being read */
    const char *used_variables[128];
    size_t used_count;
};

extern const struct config_section section_config; /* struct config */
extern const struct config_section section_stream; /* struct stream_config */
extern const struct config_section section_detection, section_health;
extern const struct config_section section_counting;
extern const struct config_section section_alerts;
extern const struct config_section section_recorder;
extern const struct config_section section_calibration; /* struct calibration_written */

/* The struct must be zeroed, or `filled` with what is to stay. Returns 0 (what is wrong is in the report) or
 * ERR_NOMEM. */
int section_read(struct config_reader *reader, const struct config_section *section, const struct node *node,
                 void *base, bool filled);
/* A variable that looks like ours and names no key is an error. */
void check_unused_variables(struct config_reader *reader);
/* "streams[2].uri" at `path`; the return value is what path_pop needs. */
size_t path_push(struct config_reader *reader, const char *name);
size_t path_push_index(struct config_reader *reader, size_t index);
void path_pop(struct config_reader *reader, size_t length);
/* Adds what is wrong with `node`, a part of the thing at the reader's path: `key` is appended to the path
 * when not NULL. */
void reader_complain(struct config_reader *reader, const struct node *node, const char *key,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A scalar, or one of the lists of numbers. ERR_INVALID with the reason alone (no place), ERR_NOMEM. */
int value_read(const struct config_key *key, const struct node *node, void *base, struct error *error);
/* The value as one would write it in YAML. */
void value_write_json(const struct config_key *key, const void *base, struct json_writer *w,
                      bool with_secrets);
bool key_is_scalar(enum key_type type);

void section_release(const struct config_section *section,
                     void *base); /* frees what belongs to it, not `base` */
int section_copy(const struct config_section *section, void *to,
                 const void *from); /* onto zeroes; 0 or ERR_NOMEM */
bool section_equal(const struct config_section *section, const void *a, const void *b);
/* The members of an object that the caller has begun. */
void section_write_json(const struct config_section *section, const void *base, struct json_writer *w,
                        bool with_secrets);
bool key_equal(const struct config_key *key, const void *a, const void *b);

#endif
