/* What is on disk: segments that were written before, in the folders of their cameras. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "media/ring_internal.h"

static bool parse_name(const char *name, int64_t *start_ns)
{
    char digits[24];
    int64_t ms;
    size_t length = strlen(name);

    if (length <= strlen(RING_SUFFIX) || length - strlen(RING_SUFFIX) >= sizeof digits ||
        !text_ends_with(name, RING_SUFFIX))
        return false;
    memcpy(digits, name, length - strlen(RING_SUFFIX));
    digits[length - strlen(RING_SUFFIX)] = '\0';
    if (!text_to_int64(digits, &ms) || ms < 0 || ms > INT64_MAX / NS_PER_MS)
        return false;
    *start_ns = ms * NS_PER_MS;
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct ring_segment *x = a, *y = b;

    return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

static int look_at_file(struct ring *ring, const char *stream_id, const char *folder, const char *name)
{
    struct ring_segment segment = {0};
    struct stat st;
    char path[RING_PATH_MAX];

    if (!parse_name(name, &segment.start_ns))
        return 0;
    path_join(path, sizeof path, folder, name);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return 0;
    segment.bytes = st.st_size;
    segment.end_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    if (segment.end_ns < segment.start_ns)
        segment.end_ns = segment.start_ns;

    struct ring_camera *camera = ring_make_camera(ring, stream_id);

    return camera ? ring_add_segment(ring, camera, &segment) : ERR_NOMEM;
}

static int look_at_camera(struct ring *ring, const char *stream_id)
{
    char folder[RING_PATH_MAX];
    struct dirent *entry;
    int result = 0;

    ring_camera_path(ring, stream_id, folder);
    DIR *dir = opendir(folder);
    if (!dir)
        return 0; /* not ours to read */
    while (result == 0 && (entry = readdir(dir)))
        result = look_at_file(ring, stream_id, folder, entry->d_name);
    closedir(dir);

    struct ring_camera *camera = ring_find_camera(ring, stream_id);

    if (camera && camera->count > 1)
        qsort(camera->segments, camera->count, sizeof *camera->segments, by_start);
    return result;
}

int ring_look(struct ring *ring, struct error *error)
{
    int result = file_make_dirs(ring->folder, error);
    struct dirent *entry;

    ring_forget(ring);
    if (result < 0)
        return result;
    DIR *dir = opendir(ring->folder);
    if (!dir)
        return error_set_errno(error, errno, "%s", ring->folder);
    while (result == 0 && (entry = readdir(dir)))
        if (text_is_identifier(entry->d_name))
            result = look_at_camera(ring, entry->d_name);
    closedir(dir);
    return result < 0 ? error_nomem(error, ring->folder) : 0;
}
