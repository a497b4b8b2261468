#include "media/webcam.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <libavformat/avformat.h>

#include "base/text.h"
#include "media/ffmpeg_error.h"

#define TEXT_OF(x) #x
#define NUMBER_OF(x) TEXT_OF(x)
/* The two libraries are made together and count alike. */
#define LIBRARY "libavdevice.so." NUMBER_OF(LIBAVFORMAT_VERSION_MAJOR)
#define PACKAGE "libavdevice" NUMBER_OF(LIBAVFORMAT_VERSION_MAJOR)

static void load_library(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* never closed: its formats stay registered */
    void (*register_all)(void) = NULL;
    void *symbol = library ? dlsym(library, "avdevice_register_all") : NULL;

    if (!symbol)
        return;
    memcpy(&register_all, &symbol, sizeof register_all);
    register_all();
}

static const AVInputFormat *find_format(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, load_library);
    return av_find_input_format("v4l2");
}

/* One "name=value" of the query. */
static int set_option(const char *shown, const char *text, size_t size, AVDictionary **how,
                      struct error *error)
{
    static const struct {
        const char *name, *option;
    } names[] = {{"size", "video_size"}, {"rate", "framerate"}, {"format", "input_format"}};
    const char *is = memchr(text, '=', size);
    char value[32];

    for (size_t i = 0; is && i < sizeof names / sizeof *names; i++) {
        size_t length = size - (size_t)(is + 1 - text);

        if (strlen(names[i].name) != (size_t)(is - text) ||
            strncmp(text, names[i].name, strlen(names[i].name)) != 0)
            continue;
        if (length == 0 || length >= sizeof value)
            break;
        snprintf(value, sizeof value, "%.*s", (int)length, is + 1);
        av_dict_set(how, names[i].option, value, 0);
        return 0;
    }
    return error_set(error, ERR_INVALID, "%s: of a webcam size=WxH, rate=N and format=NAME can be asked",
                     shown);
}

static int set_options(const char *shown, const char *query, AVDictionary **how, struct error *error)
{
    while (*query) {
        size_t size = strcspn(query, "&");
        int result = set_option(shown, query, size, how, error);

        if (result)
            return result;
        query += size;
        query += *query == '&';
    }
    return 0;
}

static int check_device(const char *path, const char *shown, struct error *error)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return errno == ENOENT ? error_set(error, ERR_NOT_FOUND, "%s: there is no such device", shown)
                               : error_set_errno(error, errno, "%s", shown);
    if (!S_ISCHR(st.st_mode))
        return error_set(error, ERR_FORMAT, "%s: not a camera, not even a device", shown);
    return 0;
}

int webcam_plan(const char *uri, const char *shown, char path[ADDRESS_MAX], AVDictionary **how,
                const AVInputFormat **format, struct error *error)
{
    const char *begin = uri + strlen("v4l2://"), *query = strchr(begin, '?');
    size_t size = query ? (size_t)(query - begin) : strlen(begin);
    int result;

    if (*begin != '/' || size >= ADDRESS_MAX)
        return error_set(error, ERR_INVALID, "%s: a webcam's address is v4l2:///dev/video0", shown);
    memcpy(path, begin, size);
    path[size] = '\0';
    result = query ? set_options(shown, query + 1, how, error) : 0;
    if (!result)
        result = check_device(path, shown, error);
    if (result)
        return result;
    *format = find_format();
    return *format ? 0 : error_set(error, ERR_UNSUPPORTED, "%s: webcams need the package " PACKAGE, shown);
}

int webcam_failed(const char *shown, int averror, struct error *error)
{
    switch (averror) {
    case AVERROR(ENOTTY):
    case AVERROR(ENODEV):
    case AVERROR(ENXIO):
        return error_set(error, ERR_FORMAT, "%s: not a camera, or unplugged", shown);
    case AVERROR(EBUSY):
        return error_set(error, ERR_CONFLICT, "%s: another program has the camera", shown);
    case AVERROR(EACCES):
    case AVERROR(EPERM):
        return error_set(error, ERR_CONFLICT,
                         "%s: no permission; the service's user has to be in the group video", shown);
    case AVERROR(EINVAL):
        return error_set(error, ERR_INVALID, "%s: the camera has no such size, rate or format", shown);
    default:
        return ffmpeg_error_set(error, averror, "%s: cannot be opened", shown);
    }
}
