/*
 * The one place outside their wrappers where foreign headers are included: nothing of them is used but the
 * version.
 */
#include "cli/libraries.h"

#include <expat.h>
#include <jansson.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <microhttpd.h>
#include <sodium.h>
#include <sqlite3.h>
#include <yaml.h>

#include <string.h>

#include "base/text.h"
#include "infer/session.h"

static const char *runtime_version(void)
{
    return session_runtime_version();
}

/* The release, such as "5.1.8-0+deb12u1", says more than the numbers of the single libraries. */
static const char *ffmpeg_version(void)
{
    return av_version_info();
}

static const char *expat_version(void)
{
    return XML_ExpatVersion() + strlen("expat_");
}

static const struct {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"ONNX Runtime", runtime_version},    {"FFmpeg", ffmpeg_version},
    {"SQLite", sqlite3_libversion},       {"libmicrohttpd", MHD_get_version},
    {"libsodium", sodium_version_string}, {"jansson", jansson_version_str},
    {"libyaml", yaml_get_version_string}, {"expat", expat_version},
};

const char *library_at(size_t index, char version[LIBRARY_VERSION_SIZE])
{
    if (index >= sizeof libraries / sizeof libraries[0]) {
        return NULL;
    }
    text_copy(version, LIBRARY_VERSION_SIZE, libraries[index].version());
    return libraries[index].name;
}
