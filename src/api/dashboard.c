#include "api/dashboard.h"

#include <string.h>

#include <zlib.h>

#include "api/embedded.h"

static const char no_dashboard[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>sci</title>"
    "<p>This build of sci has no dashboard: the folder web/dist was not there when it was built. "
    "scripts/setup.sh builds both.<p>The API works: see <a href=\"/docs\">/docs</a>.</html>\n";

static bool path_equals(const char *path, const struct target *target)
{
    for (size_t i = 0; i < target->segment_count; i++) {
        size_t size = strlen(target->segments[i]);
        if (path[0] != '/' || strncmp(path + 1, target->segments[i], size) != 0)
            return false;
        path += 1 + size;
    }
    return path[0] == '\0';
}

static const struct embedded_file *find(const struct target *target)
{
    for (const struct embedded_file *file = dashboard_files; file->path != NULL; file++) {
        if (target->segment_count == 0 ? strcmp(file->path, "/index.html") == 0
                                       : path_equals(file->path, target))
            return file;
    }
    return NULL;
}

bool dashboard_has(const struct request *request)
{
    return request->target.segment_count == 0 || find(&request->target) != NULL;
}

void dashboard_put_security(struct answer *answer)
{
    answer_header(answer, "Content-Security-Policy",
                  "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; "
                  "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    answer_header(answer, "X-Frame-Options", "DENY");
    answer_header(answer, "Referrer-Policy", "no-referrer");
    answer_header(answer, "Cross-Origin-Opener-Policy", "same-origin");
    answer_header(answer, "Permissions-Policy", "camera=(), microphone=(), geolocation=()");
}

static int inflate_into(const struct embedded_file *file, struct buffer *out, struct error *error)
{
    char *room = buffer_reserve(out, file->plain_size);
    if (room == NULL)
        return error_nomem(error, file->path);
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)file->bytes,
                       .avail_in = (uInt)file->size,
                       .next_out = (Bytef *)room,
                       .avail_out = (uInt)file->plain_size};
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return error_nomem(error, file->path);
    int rc = inflate(&stream, Z_FINISH);
    (void)inflateEnd(&stream);
    if (rc != Z_STREAM_END && stream.avail_out != 0)
        return error_set(error, ERR_INTERNAL, "%s: cannot be unpacked", file->path);
    out->size += file->plain_size;
    return 0;
}

int dashboard_answer(const struct request *request, struct answer *answer, struct error *error)
{
    const struct embedded_file *file = find(&request->target);
    dashboard_put_security(answer);
    answer->status = 200;
    if (file == NULL) {
        answer->status = 404;
        answer->content_type = "text/html; charset=utf-8";
        answer->fixed = no_dashboard;
        answer->fixed_size = sizeof no_dashboard - 1;
        return 0;
    }
    answer_header(answer, "ETag", "%s", file->etag);
    answer_header(answer, "Cache-Control", "no-cache");
    answer_header(answer, "Vary", "Accept-Encoding");
    if (request->header.if_none_match != NULL && strstr(request->header.if_none_match, file->etag) != NULL) {
        answer->status = 304;
        return 0;
    }
    answer->content_type = file->type;
    const char *accepted = request->header.accept_encoding;
    if (accepted == NULL || strstr(accepted, "gzip") == NULL)
        return inflate_into(file, &answer->body, error);
    answer_header(answer, "Content-Encoding", "gzip");
    answer->fixed = file->bytes;
    answer->fixed_size = file->size;
    return 0;
}
