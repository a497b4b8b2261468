/* /streams: the cameras. */
#include "api/problem.h"
#include "api/resources.h"

int streams_list(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int rc = query_known(request, answer, error);
    if (rc != 0)
        return rc;
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    json_key(&w, "items");
    rc = api->control.ops->streams_json(api->control.self, &w, error);
    if (rc != 0)
        return rc;
    json_put_null(&w, "next");
    json_object_end(&w);
    return answer_json(answer, 200, error);
}

int stream_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct json_writer w = json_writer_on(&answer->body);
    int rc = api->control.ops->stream_json(api->control.self, request->id, &w, error);
    return rc != 0 ? rc : answer_json(answer, 200, error);
}

int streams_create(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    char stream_id[65] = "";
    int rc = api->control.ops->stream_add(api->control.self, request->json, stream_id, problem_on_field,
                                          answer, error);
    if (rc != 0)
        return rc;
    struct json_writer w = json_writer_on(&answer->body);
    rc = api->control.ops->stream_json(api->control.self, stream_id, &w, error);
    if (rc != 0)
        return rc;
    answer_header(answer, "Location", "/streams/%s", stream_id);
    return answer_json(answer, 201, error);
}

int stream_change(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int rc = api->control.ops->stream_change(api->control.self, request->id, request->json, problem_on_field,
                                             answer, error);
    return rc != 0 ? rc : stream_get(api, request, answer, error);
}

int stream_delete(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int rc = api->control.ops->stream_remove(api->control.self, request->id, error);
    if (rc == 0)
        answer->status = 204;
    return rc;
}

int view_accept(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int rc = body_known(request, answer, NULL, error);
    if (rc == 0)
        rc = api->control.ops->view_accept(api->control.self, request->id, request->who.name, error);
    return rc != 0 ? rc : stream_get(api, request, answer, error);
}
