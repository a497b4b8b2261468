/* GET /health and GET /status. Neither asks the store. */
#include "api/problem.h"
#include "api/resources.h"

int health_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)request;
    char why[256] = "";
    if (!api->control.ops->healthy(api->control.self, why, sizeof why)) {
        problem_write(answer, 503, "%s", why);
        return 0;
    }
    struct counting_figures counting;
    api->control.ops->counting(api->control.self, &counting);
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    json_put_string(&w, "status", "ok");
    json_put_string(&w, "version", SCI_VERSION);
    json_put_bool(&w, "density_model", counting.density_model != NULL);
    json_object_end(&w);
    return answer_json(answer, 200, error);
}

int status_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)request;
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    api->control.ops->status_json(api->control.self, &w);
    json_object_end(&w);
    return answer_json(answer, 200, error);
}
