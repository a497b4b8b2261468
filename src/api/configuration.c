/* GET /config: what is in force, secrets redacted. */
#include "api/resources.h"

int config_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)request;
    struct json_writer w = json_writer_on(&answer->body);
    int rc = api->control.ops->config_json(api->control.self, &w, error);
    return rc != 0 ? rc : answer_json(answer, 200, error);
}
