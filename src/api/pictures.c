/* The newest picture of a camera, once or as an endless multipart. */
#include "api/problem.h"
#include "api/resources.h"
#include "base/clock.h"

int picture_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int64_t width = 0, seq = 0, capture_ns = 0;
    if (query_known(request, answer, error) != 0)
        return ERR_INVALID;
    if (query_int(request, answer, "width", 16, 8192, 0, &width) != 0)
        return error_set(error, ERR_INVALID, "query: width is wrong");
    int rc = api->control.ops->picture(api->control.self, request->id, (int)width, &answer->body, &seq,
                                       &capture_ns, error);
    if (rc != 0)
        return rc;
    char time[TIME_TEXT_SIZE];
    answer->status = 200;
    answer->content_type = "image/jpeg";
    answer_header(answer, "X-Sci-Seq", "%lld", (long long)seq);
    answer_header(answer, "X-Sci-Timestamp", "%s", time_format(capture_ns, time));
    return 0;
}

int picture_live(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int rc = api->control.ops->watch(api->control.self, request->id, error);
    if (rc != 0)
        return rc;
    answer->status = 200;
    answer->kind = ANSWER_LIVE;
    return 0;
}
