/* What the media tests share: a folder of their own, clips made by the ffmpeg command, the program's tools
 * for cameras. */
#ifndef SCI_TESTS_MEDIA_FIXTURE_H
#define SCI_TESTS_MEDIA_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/observation.h"

/* For cmocka, before and after a test or a group: a new folder under $TMPDIR; removed with all that is in it.
 */
int fixture_begin(void **state);
int fixture_end(void **state);

/* A test in a folder of its own. */
#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_begin, fixture_end)

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

/* Opens the source, or fails the test. */
struct source *fixture_open(const struct source_kind *kind, const struct source_options *options);

/* The pictures of a video that is whole. */
int64_t fixture_count_pictures(const struct source_options *options);

/* Reads until something else than a picture comes; counts the pictures, returns that code. */
int fixture_read_all(const struct source_kind *kind, struct source *source, int64_t *pictures,
                     struct error *error);

#endif
