/* How `sci analyze` writes what it found: one writer per format, one line after another, no wall clock in
 * any. */
#ifndef SCI_CLI_ANALYZE_OUTPUT_H
#define SCI_CLI_ANALYZE_OUTPUT_H

#include <stdio.h>

#include "base/error.h"
#include "core/snapshot.h"

enum analyze_format { ANALYZE_JSONL, ANALYZE_CSV, ANALYZE_MOT };

int analyze_format_parse(const char *name, enum analyze_format *format); /* 0 or ERR_INVALID */
int analyze_write_head(FILE *out, enum analyze_format format, struct error *error);
int analyze_write_snapshot(FILE *out, enum analyze_format format, const struct snapshot *snapshot,
                           struct error *error);

#endif
