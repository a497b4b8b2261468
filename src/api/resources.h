/* The handlers of the route table, one file per resource. Parameters that several share are read here. */
#ifndef SCI_API_RESOURCES_H
#define SCI_API_RESOURCES_H

#include "api/router.h"

/* clang-format off */
route_handler health_get;
route_handler status_get;
route_handler session_get, session_create, session_delete;
route_handler streams_list, streams_create, stream_get, stream_change, stream_delete, view_accept;
route_handler picture_get, picture_live;
route_handler analytics_get;
route_handler alerts_list, alert_get, alert_clip, alert_picture, alerts_acknowledge, alerts_resolve, alert_test;
route_handler image_post;
route_handler config_get;
route_handler metrics_get;
route_handler openapi_get, docs_get;
route_handler websocket_open;
/* clang-format on */

/* Query parameters: 0 and the fallback when absent; ERR_INVALID and a field error when wrong. */
int query_int(const struct request *request, struct answer *answer, const char *name, int64_t low,
              int64_t high, int64_t fallback, int64_t *value);
int query_time(const struct request *request, struct answer *answer, const char *name, int64_t fallback_ns,
               int64_t *value_ns);
int query_identifier(const struct request *request, struct answer *answer, const char *name,
                     const char **value);

/* Refuses query parameters that the route does not have: a misspelt filter must not look like an empty
 * result. */
int query_known(const struct request *request, struct answer *answer, struct error *error);

/* Refuses members of a body beside `only` (NULL: any member): a misspelt one must not be lost in silence. */
int body_known(const struct request *request, struct answer *answer, const char *only, struct error *error);

#endif
