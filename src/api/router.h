/*
 * The route table and what is done with a request before and after its handler. The same table gives
 * /openapi.json and /docs, so what is documented is what is served.
 *
 * A request is answered in two steps, because its body comes later: `api_begin` looks at line and headers
 * only (route, method, origin, key, role, rate, size) and may refuse; `api_finish` parses the body and calls
 * the handler.
 */
#ifndef SCI_API_ROUTER_H
#define SCI_API_ROUTER_H

#include "api/api.h"
#include "api/request.h"

/* 0 with the answer filled (also by a problem document), or a negative code, from which the router makes one.
 */
typedef int route_handler(struct api *api, struct request *request, struct answer *answer,
                          struct error *error);

struct route_parameter {
    const char *name, *in, *schema, *description; /* schema: JSON text of a JSON Schema */
};

enum { ROUTE_PARAMETERS_MAX = 8, ROUTE_STATUSES_MAX = 8 };

struct route {
    enum http_method method;
    const char *path; /* "/streams/{id}" */
    enum role least;  /* ROLE_NONE: no key needed */
    route_handler *handler;
    const char *tag, *summary;
    const char *request; /* schema of the body in schemas.json; NULL: none */
    bool body_optional;
    bool takes_picture; /* the body is an image file, or a form with one, of at most server.max_picture */
    int success;
    const char *response;             /* schema of the answer; NULL: not JSON */
    const char *response_type;        /* of answers that are not JSON; NULL: no content */
    int statuses[ROUTE_STATUSES_MAX]; /* beside those that every such route may give; 0 ends */
    struct route_parameter parameters[ROUTE_PARAMETERS_MAX];
    const char *example; /* what a curl line needs beside method, key and path; NULL: nothing */
};

extern const struct route api_routes[];
extern const size_t api_route_count;

/* The most bytes that the body of a request may have. */
size_t api_body_limit(const struct api *api, const struct request *request);

/* Does a path match a pattern? `id` receives the text of {id}. */
bool route_matches(const char *pattern, const struct target *target, const char **id);

/* `content_length` -1: unknown. True when the answer is final already and the body is of no interest. */
bool api_begin(struct api *api, struct request *request, const char *raw_target, int64_t content_length,
               struct answer *answer);
/* The body is complete in request->body. Always fills the answer. */
void api_finish(struct api *api, struct request *request, struct answer *answer);

/* /openapi.json and /docs, made from the table. */
int openapi_write(struct buffer *out, struct error *error);
int docs_write(struct buffer *out, struct error *error);

#endif
