/*
 * The route table. Statuses that need no mention because every route may give them: 400 (target that does not
 * decode), 413, 414, 429, 500, 503; with a key: 401, 403; with a body: 400, 415, 422.
 */
#include "api/resources.h"

#define ID_OF(what)                                                                                          \
    {                                                                                                        \
        "id", "path", "{\"type\":\"string\"}", what                                                          \
    }
#define TEXT "{\"type\":\"string\"}"
#define TIME "{\"type\":\"string\",\"format\":\"date-time\"}"

/* clang-format off */
const struct route api_routes[] = {
    {.method = METHOD_GET, .path = "/health", .handler = health_get, .tag = "system",
     .summary = "Does the service do its work? Cameras may still be lost: that is their state.",
     .success = 200, .response = "Health"},
    {.method = METHOD_GET, .path = "/status", .least = ROLE_VIEWER, .handler = status_get, .tag = "system",
     .summary = "The state of the whole system.", .success = 200, .response = "Status"},
    {.method = METHOD_GET, .path = "/metrics", .least = ROLE_VIEWER, .handler = metrics_get, .tag = "system",
     .summary = "Numbers for Prometheus.", .success = 200, .response_type = "text/plain"},
    {.method = METHOD_GET, .path = "/config", .least = ROLE_ADMIN, .handler = config_get, .tag = "system",
     .summary = "The configuration in force, secrets redacted.", .success = 200, .response = "Configuration"},

    {.method = METHOD_POST, .path = "/session", .handler = session_create, .tag = "identity",
     .summary = "Trade a key for a session cookie.", .request = "SessionCreate", .success = 201, .response = "Identity",
     .statuses = {401, 403}, .example = "-c cookies -H 'Content-Type: application/json' -d '{\"key\": \"'$KEY'\"}'"},
    {.method = METHOD_GET, .path = "/session", .least = ROLE_VIEWER, .handler = session_get, .tag = "identity",
     .summary = "Who am I?", .success = 200, .response = "Identity"},
    {.method = METHOD_DELETE, .path = "/session", .handler = session_delete, .tag = "identity",
     .summary = "End the session of the cookie.", .success = 204, .statuses = {403}, .example = "-b cookies -H 'Origin: http://127.0.0.1:8000'"},

    {.method = METHOD_GET, .path = "/streams", .least = ROLE_VIEWER, .handler = streams_list, .tag = "streams",
     .summary = "All streams and their states.", .success = 200, .response = "StreamList", .statuses = {422}},
    {.method = METHOD_POST, .path = "/streams", .least = ROLE_ADMIN, .handler = streams_create, .tag = "streams",
     .summary = "Add a camera. Whether it can be reached is its state.", .request = "StreamCreate", .success = 201, .response = "Stream",
     .statuses = {409}, .example = "-H 'Content-Type: application/json' -d '{\"stream_id\": \"gate_b\", \"uri\": \"rtsp://10.0.0.8/stream\"}'"},
    {.method = METHOD_GET, .path = "/streams/{id}", .least = ROLE_VIEWER, .handler = stream_get, .tag = "streams",
     .summary = "One stream.", .success = 200, .response = "Stream", .statuses = {404}, .parameters = {ID_OF("stream_id")}},
    {.method = METHOD_PATCH, .path = "/streams/{id}", .least = ROLE_ADMIN, .handler = stream_change, .tag = "streams",
     .summary = "Change a camera that was added over the API: its address, on or off, its zones. It starts anew; its open alerts stay.",
     .request = "StreamChange", .success = 200, .response = "Stream", .statuses = {404, 409}, .parameters = {ID_OF("stream_id")},
     .example = "-H 'Content-Type: application/json' -d '{\"enabled\": false}'"},
    {.method = METHOD_DELETE, .path = "/streams/{id}", .least = ROLE_ADMIN, .handler = stream_delete, .tag = "streams",
     .summary = "Remove a camera that was added over the API. Nothing of it is published afterwards.", .success = 204,
     .statuses = {404, 409}, .parameters = {ID_OF("stream_id")}},
    {.method = METHOD_POST, .path = "/streams/{id}/view/accept", .least = ROLE_OPERATOR, .handler = view_accept, .tag = "streams",
     .summary = "The camera was moved on purpose and fits its zones and calibration again: its view as it is now is the right one.",
     .request = "Empty", .body_optional = true, .success = 200, .response = "Stream", .statuses = {404}, .parameters = {ID_OF("stream_id")}},
    {.method = METHOD_GET, .path = "/streams/{id}/picture.jpg", .least = ROLE_VIEWER, .handler = picture_get, .tag = "streams",
     .summary = "The newest picture. X-Sci-Seq and X-Sci-Timestamp say which.", .success = 200, .response_type = "image/jpeg",
     .statuses = {404, 409, 422}, .parameters = {ID_OF("stream_id"),
        {"width", "query", "{\"type\":\"integer\",\"minimum\":16,\"maximum\":8192}", "Width in pixels; full size without it."}},
     .example = "-o picture.jpg"},
    {.method = METHOD_GET, .path = "/streams/{id}/live.mjpg", .least = ROLE_VIEWER, .handler = picture_live, .tag = "streams",
     .summary = "Live pictures as multipart/x-mixed-replace. Ends after 30 s without a picture.", .success = 200,
     .response_type = "multipart/x-mixed-replace", .statuses = {404}, .parameters = {ID_OF("stream_id")}, .example = "-o live.mjpg"},

    {.method = METHOD_POST, .path = "/analyze/image", .least = ROLE_OPERATOR, .handler = image_post, .tag = "analysis",
     .summary = "How many people are in the picture that is the body: JPEG, PNG, WebP, TIFF, BMP, or a form with a file.",
     .takes_picture = true, .success = 200, .response = "ImageAnalysis", .statuses = {415, 422},
     .parameters = {
        {"mode", "query", "{\"enum\":[\"auto\",\"boxes\",\"density\"]}", "auto, without it: by boxes and by the density network, each where it errs less."},
        {"map", "query", "{\"enum\":[\"none\",\"data\",\"jpeg\"]}", "data: people per cell; jpeg: the answer is the picture with the density over it, the figures are in X-Sci-* headers."}},
     .example = "-H 'Content-Type: image/jpeg' --data-binary @square.jpg"},

    {.method = METHOD_GET, .path = "/analytics/{id}", .least = ROLE_VIEWER, .handler = analytics_get, .tag = "history",
     .summary = "The history of a stream, its zones and lines.", .success = 200, .response = "AnalyticsPage", .statuses = {404, 422},
     .parameters = {ID_OF("stream_id"),
        {"from", "query", TIME, "Begin; 60 steps before `to` without it."},
        {"to", "query", TIME, "End, not included; now without it."},
        {"step", "query", "{\"enum\":[\"1s\",\"1m\",\"1h\",\"1d\"]}", "Length of a row; 1m without it."},
        {"measure", "query", TEXT, "One measure's name; every measure without it."},
        {"zone", "query", TEXT, "One zone or line; empty for the stream itself; every place without it."},
        {"limit", "query", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":10000}", "Rows per page, 1000 without it; a page ends with a whole step."},
        {"cursor", "query", TEXT, "`next` of the page before."}},
     .example = "-G -d step=1m -d measure=people"},

    {.method = METHOD_GET, .path = "/alerts", .least = ROLE_VIEWER, .handler = alerts_list, .tag = "alerts",
     .summary = "Alerts, newest first.", .success = 200, .response = "AlertList", .statuses = {422},
     .parameters = {
        {"state", "query", "{\"enum\":[\"active\",\"acknowledged\",\"resolved\",\"open\"]}", "open: active or acknowledged."},
        {"level", "query", "{\"enum\":[\"LOW\",\"MEDIUM\",\"HIGH\",\"CRITICAL\"]}", "This level or above."},
        {"stream", "query", TEXT, "One stream."},
        {"limit", "query", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":500}", "100 without it."},
        {"cursor", "query", TEXT, "`next` of the page before."}},
     .example = "-G -d state=active"},
    {.method = METHOD_POST, .path = "/alerts/test", .least = ROLE_OPERATOR, .handler = alert_test, .tag = "alerts",
     .summary = "Raise a test alert, which resolves by itself: does the chain work?", .request = "Empty", .body_optional = true,
     .success = 201, .response = "Alert"},
    {.method = METHOD_GET, .path = "/alerts/{id}", .least = ROLE_VIEWER, .handler = alert_get, .tag = "alerts",
     .summary = "One alert with its history.", .success = 200, .response = "AlertDetail", .statuses = {404}, .parameters = {ID_OF("alert_id")}},
    {.method = METHOD_GET, .path = "/alerts/{id}/picture.jpg", .least = ROLE_VIEWER, .handler = alert_picture, .tag = "alerts",
     .summary = "The picture of the moment it was raised.", .success = 200, .response_type = "image/jpeg", .statuses = {404},
     .parameters = {ID_OF("alert_id")}, .example = "-o alert.jpg"},
    {.method = METHOD_GET, .path = "/alerts/{id}/clip", .least = ROLE_VIEWER, .handler = alert_clip, .tag = "alerts",
     .summary = "The seconds around that moment, as MP4; parts of it with Range. 409 while it is being recorded.", .success = 200,
     .response_type = "video/mp4", .statuses = {404, 409, 416}, .parameters = {ID_OF("alert_id")}, .example = "-o alert.mp4"},
    {.method = METHOD_POST, .path = "/alerts/{id}/acknowledge", .least = ROLE_OPERATOR, .handler = alerts_acknowledge, .tag = "alerts",
     .summary = "Somebody has seen it and acts.", .request = "Comment", .body_optional = true, .success = 200, .response = "Alert",
     .statuses = {404, 409}, .parameters = {ID_OF("alert_id")}, .example = "-H 'Content-Type: application/json' -d '{\"comment\": \"steward sent\"}'"},
    {.method = METHOD_POST, .path = "/alerts/{id}/resolve", .least = ROLE_OPERATOR, .handler = alerts_resolve, .tag = "alerts",
     .summary = "It is over.", .request = "Comment", .body_optional = true, .success = 200, .response = "Alert",
     .statuses = {404, 409}, .parameters = {ID_OF("alert_id")}, .example = "-H 'Content-Type: application/json' -d '{\"comment\": \"gate opened\"}'"},

    {.method = METHOD_GET, .path = "/ws", .least = ROLE_VIEWER, .handler = websocket_open, .tag = "live",
     .summary = "The WebSocket: measurements, alerts, state and live pictures. The page docs/api.md has its messages.",
     .success = 101, .statuses = {426}},
    {.method = METHOD_GET, .path = "/openapi.json", .handler = openapi_get, .tag = "documentation",
     .summary = "This description.", .success = 200, .response_type = "application/json"},
    {.method = METHOD_GET, .path = "/docs", .handler = docs_get, .tag = "documentation",
     .summary = "This description as a page.", .success = 200, .response_type = "text/html"},
};
/* clang-format on */

const size_t api_route_count = sizeof api_routes / sizeof *api_routes;
