/* The OpenAPI 3.1 document, from the route table and assets/schemas.json. */
#include <stdio.h>
#include <string.h>

#include "api/embedded.h"
#include "api/problem.h"
#include "api/router.h"
#include "base/text.h"

static void put_schema_ref(struct json_writer *w, const char *name)
{
    char ref[128];
    text_format(ref, sizeof ref, "#/components/schemas/%s", name);
    json_object_begin(w);
    json_put_string(w, "$ref", ref);
    json_object_end(w);
}

static void put_content(struct json_writer *w, const char *type, const char *schema)
{
    json_key(w, "content");
    json_object_begin(w);
    json_key(w, type);
    json_object_begin(w);
    if (schema != NULL) {
        json_key(w, "schema");
        put_schema_ref(w, schema);
    }
    json_object_end(w);
    json_object_end(w);
}

static void put_answer(struct json_writer *w, const struct route *route)
{
    char status[16];
    text_format(status, sizeof status, "%d", route->success);
    json_key(w, status);
    json_object_begin(w);
    json_put_string(w, "description", route->success == 101 ? "The connection is a WebSocket now." : "Done.");
    if (route->response != NULL)
        put_content(w, "application/json", route->response);
    else if (route->response_type != NULL)
        put_content(w, route->response_type, NULL);
    json_object_end(w);
}

static void put_problem(struct json_writer *w, int status)
{
    char text[16];
    text_format(text, sizeof text, "%d", status);
    json_key(w, text);
    json_object_begin(w);
    json_put_string(w, "description", problem_title(status));
    put_content(w, "application/problem+json", "Problem");
    json_object_end(w);
}

static bool has_status(const struct route *route, int status)
{
    static const int everywhere[] = {400, 413, 429, 503};
    for (size_t i = 0; i < sizeof everywhere / sizeof *everywhere; i++) {
        if (everywhere[i] == status)
            return true;
    }
    for (size_t i = 0; i < ROUTE_STATUSES_MAX && route->statuses[i] != 0; i++) {
        if (route->statuses[i] == status)
            return true;
    }
    if (status == 401 || status == 403)
        return route->least != ROLE_NONE;
    return (status == 415 || status == 422) && route->request != NULL;
}

static void put_answers(struct json_writer *w, const struct route *route)
{
    static const int problems[] = {400, 401, 403, 404, 409, 413, 415, 416, 422, 426, 429, 503};
    json_key(w, "responses");
    json_object_begin(w);
    put_answer(w, route);
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        if (has_status(route, problems[i]))
            put_problem(w, problems[i]);
    }
    json_object_end(w);
}

static void put_parameters(struct json_writer *w, const struct route *route)
{
    json_key(w, "parameters");
    json_array_begin(w);
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i].name != NULL; i++) {
        const struct route_parameter *p = &route->parameters[i];
        json_object_begin(w);
        json_put_string(w, "name", p->name);
        json_put_string(w, "in", p->in);
        json_put_bool(w, "required", strcmp(p->in, "path") == 0);
        json_put_string(w, "description", p->description);
        json_key(w, "schema");
        json_raw(w, p->schema, strlen(p->schema));
        json_object_end(w);
    }
    json_array_end(w);
}

static void put_security(struct json_writer *w, const struct route *route)
{
    static const char *const ways[] = {"bearer", "key", "session"};
    json_key(w, "security");
    json_array_begin(w);
    for (size_t i = 0; i < 3 && route->least != ROLE_NONE; i++) {
        json_object_begin(w);
        json_key(w, ways[i]);
        json_array_begin(w);
        json_array_end(w);
        json_object_end(w);
    }
    json_array_end(w);
}

static void put_picture_body(struct json_writer *w)
{
    static const char *const types[] = {"image/jpeg", "image/png", "application/octet-stream"};
    json_key(w, "requestBody");
    json_object_begin(w);
    json_put_bool(w, "required", true);
    json_key(w, "content");
    json_object_begin(w);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        json_key(w, types[i]);
        json_object_begin(w);
        json_object_end(w);
    }
    json_key(w, "multipart/form-data");
    static const char form[] = "{\"schema\":{\"type\":\"object\",\"required\":[\"picture\"],\"properties\":{"
                               "\"picture\":{\"type\":\"string\",\"format\":\"binary\"}}}}";
    json_raw(w, form, sizeof form - 1);
    json_object_end(w);
    json_object_end(w);
}

static void put_operation(struct json_writer *w, const struct route *route)
{
    char name[16], id[96];
    text_format(name, sizeof name, "%s", method_name(route->method));
    text_format(id, sizeof id, "%s %s", name, route->path);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)(*c | 0x20);
    for (char *c = id; *c != '\0'; c++)
        *c = strchr(" /{}.", *c) != NULL ? '_' : *c;
    json_key(w, name);
    json_object_begin(w);
    json_put_string(w, "operationId", id);
    json_put_string(w, "summary", route->summary);
    json_put_string(w, "x-least-role", role_name(route->least));
    json_key(w, "tags");
    json_array_begin(w);
    json_text(w, route->tag);
    json_array_end(w);
    put_security(w, route);
    put_parameters(w, route);
    if (route->request != NULL) {
        json_key(w, "requestBody");
        json_object_begin(w);
        json_put_bool(w, "required", !route->body_optional);
        put_content(w, "application/json", route->request);
        json_object_end(w);
    }
    if (route->takes_picture)
        put_picture_body(w);
    put_answers(w, route);
    json_object_end(w);
}

/* Routes of one path stand together in the document; they need not in the table. */
static bool is_first_of_path(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(api_routes[i].path, api_routes[index].path) == 0)
            return false;
    }
    return true;
}

static void put_paths(struct json_writer *w)
{
    json_key(w, "paths");
    json_object_begin(w);
    for (size_t i = 0; i < api_route_count; i++) {
        if (!is_first_of_path(i))
            continue;
        json_key(w, api_routes[i].path);
        json_object_begin(w);
        for (size_t k = i; k < api_route_count; k++) {
            if (strcmp(api_routes[k].path, api_routes[i].path) == 0)
                put_operation(w, &api_routes[k]);
        }
        json_object_end(w);
    }
    json_object_end(w);
}

static const struct embedded_file *schemas(void)
{
    const struct embedded_file *file = asset_files;
    while (file->path != NULL && strcmp(file->path, "/schemas.json") != 0)
        file++;
    return file;
}

static const char security_schemes[] =
    "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
    "\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"},"
    "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"sci_session\"}}";

int openapi_write(struct buffer *out, struct error *error)
{
    struct json_writer w = json_writer_on(out);
    json_object_begin(&w);
    json_put_string(&w, "openapi", "3.1.0");
    json_key(&w, "info");
    json_object_begin(&w);
    json_put_string(&w, "title", "sci");
    json_put_string(&w, "version", SCI_VERSION);
    json_put_string(&w, "summary", "Live crowd safety: people, density, movement, alerts.");
    json_object_end(&w);
    put_paths(&w);
    json_key(&w, "components");
    json_object_begin(&w);
    json_key(&w, "schemas");
    json_raw(&w, (const char *)schemas()->bytes, schemas()->size);
    json_key(&w, "securitySchemes");
    json_raw(&w, security_schemes, sizeof security_schemes - 1);
    json_object_end(&w);
    json_object_end(&w);
    return out->failed ? error_nomem(error, "openapi.json") : 0;
}
