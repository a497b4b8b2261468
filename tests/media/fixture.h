/* What the media tests share: a folder of their own, clips made by the ffmpeg command, the program's tools
 * for cameras. */
#ifndef SCI_TESTS_MEDIA_FIXTURE_H
#define SCI_TESTS_MEDIA_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/observation.h"

/* A new folder under $TMPDIR; removed with everything in it by fixture_end. */
const char *fixture_begin(void);
void fixture_end(void);

/* "folder/name" in a static ring of a few texts. */
const char *fixture_path(const char *name);

bool fixture_has(const char *command); /* on the PATH */

/* Runs `ffmpeg -v error -y ARGS` in the folder; fails the test when ffmpeg fails. Skips it when there is no
 * ffmpeg. */
void fixture_ffmpeg(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fixture_write(const char *name, const void *bytes, size_t size);
void fixture_truncate(const char *name, double keep); /* keeps this share of the file's bytes */

/* Inverts every `step`-th byte from the share `from` of the file to the share `to`. */
void fixture_damage(const char *name, double from, double to, size_t step);

/* Reads until something else than a picture comes; counts the pictures, returns that code. */
int fixture_read_all(const struct source_kind *kind, struct source *source, int64_t *pictures,
                     struct error *error);

#endif
