/* GET /openapi.json and /docs: made once from the route table. */
#include <string.h>

#include "api/dashboard.h"
#include "api/resources.h"

static int give(const struct buffer *text, const char *type, struct answer *answer)
{
    answer->status = 200;
    answer->content_type = type;
    answer->fixed = text->data;
    answer->fixed_size = text->size;
    return 0;
}

int openapi_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)request;
    (void)error;
    return give(&api->openapi, "application/json", answer);
}

int docs_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)request;
    (void)error;
    dashboard_put_security(answer);
    return give(&api->docs, "text/html; charset=utf-8", answer);
}
