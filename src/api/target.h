/*
 * The target of a request line ("/analytics/gate_a?from=...&step=1m"), taken apart by the rules of RFC 3986
 * and of HTML forms: first split, then decoded, so that an encoded slash stays inside its segment. Refused
 * are bytes that do not decode, NUL, control characters, text that is not UTF-8, "." and ".." as segments,
 * and more parts than the limits below.
 */
#ifndef SCI_API_TARGET_H
#define SCI_API_TARGET_H

#include <stddef.h>

#include "base/error.h"

enum { TARGET_SEGMENTS_MAX = 8, TARGET_QUERY_MAX = 32, TARGET_TEXT_MAX = 4096 };

struct target {
    char *text; /* owned: all that is decoded, one NUL-terminated piece behind another */
    size_t segment_count;
    const char *segments[TARGET_SEGMENTS_MAX];
    size_t query_count;
    struct {
        const char *name, *value;
    } query[TARGET_QUERY_MAX];
};

/* ERR_FORMAT says what is wrong; ERR_FULL: too long or too many parts. On failure the target is empty. */
int target_parse(const char *raw, struct target *target, struct error *error);
void target_free(struct target *target);
const char *target_query(const struct target *target,
                         const char *name); /* the first of that name; NULL if absent */

#endif
