#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "media/source.h"

static char folder[256];

int fixture_begin(void **state)
{
    const char *tmp = getenv("TMPDIR");

    (void)state;
    snprintf(folder, sizeof folder, "%s/sci_media_XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

int fixture_end(void **state)
{
    (void)state;
    if (folder[0])
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = '\0';
    return 0;
}

const char *fixture_path(const char *name)
{
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8];

    snprintf(out, sizeof ring[0], "%s/%s", folder, name);
    return out;
}

bool fixture_has(const char *command)
{
    char line[256];

    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", command);
    return system(line) == 0;
}

void fixture_ffmpeg(const char *format, ...)
{
    char line[2048];
    va_list args;
    int used;

    if (!fixture_has("ffmpeg"))
        skip();
    used = snprintf(line, sizeof line, "cd '%s' && ffmpeg -nostdin -v error -y ", folder);
    va_start(args, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, args);
    va_end(args);
    if (system(line) != 0)
        fail_msg("%s", line);
}

void fixture_write(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(fixture_path(name), "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void fixture_truncate(const char *name, double keep)
{
    struct stat st;

    assert_int_equal(stat(fixture_path(name), &st), 0);
    assert_int_equal(truncate(fixture_path(name), (off_t)((double)st.st_size * keep)), 0);
}

void fixture_damage(const char *name, double from, double to, size_t step)
{
    FILE *file = fopen(fixture_path(name), "r+b");
    struct stat st;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    for (long at = (long)((double)st.st_size * from); at < (long)((double)st.st_size * to);
         at += (long)step) {
        int byte;

        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        byte = fgetc(file);
        assert_true(byte != EOF);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_true(fputc(~byte & 0xFF, file) != EOF);
    }
    assert_int_equal(fclose(file), 0);
}

struct source *fixture_open(const struct source_kind *kind, const struct source_options *options)
{
    struct error error = {0};
    struct source *source;

    if (kind->open(options, &source, &error) != 0)
        fail_msg("%s", error.text);
    assert_non_null(source);
    return source;
}

int64_t fixture_count_pictures(const struct source_options *options)
{
    struct source *source = fixture_open(&source_kind_ffmpeg, options);
    struct error error = {0};
    int64_t pictures;

    if (fixture_read_all(&source_kind_ffmpeg, source, &pictures, &error) != ERR_END)
        fail_msg("%s", error.text);
    source_kind_ffmpeg.close(&source);
    return pictures;
}

int fixture_read_all(const struct source_kind *kind, struct source *source, int64_t *pictures,
                     struct error *error)
{
    *pictures = 0;
    for (;;) {
        struct observation o;
        int result = kind->read(source, &o, error);

        if (result)
            return result;
        ++*pictures;
        observation_release(&o);
    }
}
