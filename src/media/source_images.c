/*
 * One image, or the images of a folder, as a source. The files are listed once, when it is opened (or a
 * looped folder begins again), in natural order ("img2" before "img10"); each is decoded when it is read.
 * Stream time is (number - 1) / rate, by default one image a second. A damaged image is an error that names
 * it; the next read goes on with the next one.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "core/observation.h"
#include "media/address.h"
#include "media/image.h"
#include "media/natural_order.h"
#include "media/pace.h"
#include "media/slots.h"
#include "media/source.h"

enum { FILES_MAX = 1000000, DESCRIPTION_SIZE = 64, PICTURES_OUT = 8 };

struct source {
    char path[ADDRESS_MAX];
    char shown[ADDRESS_SHOWN];
    struct source_options options;
    bool folder;
    char **names; /* of a folder */
    size_t count, next;
    struct buffer bytes;
    struct pace pace;
    struct slots *slots;
    int64_t number;
    int width, height;
    char description[DESCRIPTION_SIZE];
};

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool accepts(const char *uri)
{
    char path[ADDRESS_MAX];

    if (address_type(uri) != ADDRESS_FILE || address_path(uri, path, NULL) != 0)
        return false;
    return image_has_name(path) || is_folder(path);
}

static void forget_names(struct source *s)
{
    for (size_t i = 0; s->names && i < s->count; i++)
        free(s->names[i]);
    free(s->names);
    s->names = NULL;
    s->count = s->next = 0;
}

static int add_name(struct source *s, size_t *room, const char *name, struct error *error)
{
    if (s->count == FILES_MAX)
        return error_set(error, ERR_FULL, "%s: more than %d images", s->shown, FILES_MAX);
    if (s->count == *room) {
        size_t more = *room ? *room * 2 : 64;
        char **names = realloc(s->names, more * sizeof *names);

        if (!names)
            return error_nomem(error, s->shown);
        s->names = names;
        *room = more;
    }
    s->names[s->count] = text_duplicate(name);
    if (!s->names[s->count])
        return error_nomem(error, s->shown);
    s->count++;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return natural_compare(*(char *const *)a, *(char *const *)b);
}

static int list(struct source *s, struct error *error)
{
    DIR *dir = opendir(s->path);
    size_t room = 0;
    int result = 0;

    if (!dir)
        return error_set_errno(error, errno, "%s", s->shown);
    for (struct dirent *entry; !result && (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.' && image_has_name(entry->d_name))
            result = add_name(s, &room, entry->d_name, error);
    closedir(dir);
    if (!result && s->count == 0)
        result = error_set(error, ERR_FORMAT, "%s: there is no image in the folder", s->shown);
    if (!result)
        qsort(s->names, s->count, sizeof *s->names, compare_names);
    return result;
}

static int begin(struct source *s, struct error *error)
{
    struct stat st;

    forget_names(s);
    if (s->folder)
        return list(s, error);
    if (stat(s->path, &st) != 0)
        return error_set_errno(error, errno, "%s", s->shown);
    if (!S_ISREG(st.st_mode))
        return error_set(error, ERR_INVALID, "%s: not a file", s->shown);
    s->count = 1;
    return st.st_size ? 0 : error_set(error, ERR_FORMAT, "%s: the file is empty", s->shown);
}

static void source_close(struct source **source)
{
    struct source *s = *source;

    *source = NULL;
    if (!s)
        return;
    forget_names(s);
    slots_release(&s->slots);
    buffer_free(&s->bytes);
    free(s);
}

static int source_open(const struct source_options *options, struct source **source, struct error *error)
{
    struct source *s = calloc(1, sizeof *s);
    int result;

    *source = NULL;
    if (!s)
        return error_nomem(error, "an image source");
    s->options = *options;
    s->options.uri = NULL;
    address_shown(options->uri, s->shown);
    result = address_path(options->uri, s->path, error);
    s->folder = !result && is_folder(s->path);
    if (!result)
        result = begin(s, error);
    if (!result) {
        s->slots = slots_create(options->picture_limit ? options->picture_limit : PICTURES_OUT);
        result = s->slots ? 0 : error_nomem(error, s->shown);
    }
    if (result) {
        source_close(&s);
        return result;
    }
    if (s->folder)
        text_format(s->description, sizeof s->description, "folder of %zu images", s->count);
    else
        text_copy(s->description, sizeof s->description, "image");
    *source = s;
    return 0;
}

static double rate_of(const struct source *s)
{
    return s->options.frame_rate > 0 ? s->options.frame_rate : 1.0;
}

/* The next image decoded; its name is taken from the list whether that works or not. */
static int load(struct source *s, struct picture **picture, struct error *error)
{
    char path[ADDRESS_MAX + 256];
    int result;

    if (s->folder)
        path_join(path, sizeof path, s->path, s->names[s->next]);
    else
        text_copy(path, sizeof path, s->path);
    s->next++;
    buffer_clear(&s->bytes);
    result = file_read(path, IMAGE_BYTES_MAX, &s->bytes, error);
    if (result)
        return result;
    result = s->bytes.size ? image_decode_in_slot(s->bytes.data, s->bytes.size, s->slots, picture, error)
                           : error_set(error, ERR_FORMAT, "the file is empty");
    return result ? error_prefix(error, "%s", path) : 0;
}

/* Over the end of the list: ERR_END, or the list again. */
static int next_name(struct source *s, struct error *error)
{
    if (s->next < s->count)
        return 0;
    if (!s->options.loop)
        return error_set(error, ERR_END, "%s: end of the images", s->shown);
    return begin(s, error);
}

static void give(struct source *s, struct picture *picture, int64_t stream_ns, struct instant capture,
                 struct observation *observation)
{
    picture->capture = capture;
    picture->stream_ns = stream_ns;
    picture->number = s->number;
    s->width = picture->width, s->height = picture->height;
    *observation = (struct observation){.kind = OBSERVATION_PICTURE,
                                        .picture = picture,
                                        .capture = capture,
                                        .stream_ns = stream_ns,
                                        .number = s->number,
                                        .width = picture->width,
                                        .height = picture->height};
}

static int source_read(struct source *s, struct observation *observation, struct error *error)
{
    int64_t deadline_ns =
        s->options.read_timeout_ns > 0 ? clock_monotonic_ns() + s->options.read_timeout_ns : INT64_MAX;
    int result = 1;

    memset(observation, 0, sizeof *observation);
    while (result == 1) {
        struct instant capture;
        struct picture *picture;
        int64_t stream_ns;

        if (s->options.cancel && atomic_load(s->options.cancel))
            return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
        result = next_name(s, error);
        if (result)
            return result;
        stream_ns = llround((double)s->number++ / rate_of(s) * (double)NS_PER_S);
        capture = clock_now();
        if (s->options.paced && pace_wait(&s->pace, stream_ns, s->options.cancel, &capture) != 0)
            return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
        result = slots_admit(s->slots, s->options.paced, deadline_ns, s->options.cancel, s->shown, error);
        if (result == 1)
            s->next++;
        if (result)
            continue;
        result = load(s, &picture, error);
        if (result)
            slots_give_back(s->slots);
        else
            give(s, picture, stream_ns, capture, observation);
    }
    return result;
}

static void source_info(const struct source *s, struct source_info *info)
{
    *info = (struct source_info){.width = s->width,
                                 .height = s->height,
                                 .frame_rate = rate_of(s),
                                 .frame_count = (int64_t)s->count,
                                 .description = s->description};
}

const struct source_kind source_kind_images = {.name = "images",
                                               .accepts = accepts,
                                               .open = source_open,
                                               .read = source_read,
                                               .info = source_info,
                                               .close = source_close};
