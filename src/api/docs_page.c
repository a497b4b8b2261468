/*
 * The page at /docs, made from the route table when the server starts. It needs no script and nothing from
 * elsewhere, so it can be read on a machine without a network.
 */
#include <string.h>

#include "api/problem.h"
#include "api/router.h"
#include "core/measure.h"

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>sci: API</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0b6bcb}\n"
    "@media(prefers-color-scheme:dark){:root{--accent:#6db3f8}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1rem}\n"
    "h1{margin:0}h2{margin:2.5rem 0 .5rem;text-transform:capitalize}a{color:var(--accent)}\n"
    "details{border:1px solid var(--line);border-radius:8px;margin:.5rem 0}\n"
    "summary{cursor:pointer;padding:.6rem .8rem;display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}\n"
    "summary b{font:600 .85rem ui-monospace,monospace;min-width:4rem;color:var(--accent)}\n"
    "summary code{font-weight:600}summary span{flex:1 1 18rem;opacity:.8}summary "
    "i{font-size:.8rem;opacity:.7}\n"
    "details>div{padding:0 .8rem .8rem;border-top:1px solid var(--line)}\n"
    "pre{background:var(--soft);padding:.7rem;border-radius:6px;overflow:auto}\n"
    "code,pre{font-family:ui-monospace,monospace;font-size:.9rem}\n"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px "
    "solid "
    "var(--line);vertical-align:top}\n</style></head><body>\n<h1>sci</h1>\n"
    "<p>The API of version " SCI_VERSION
    ". Machines read <a href=\"/openapi.json\">/openapi.json</a>. Send a key as "
    "<code>Authorization: Bearer KEY</code> or <code>X-API-Key: KEY</code>; make one with <code>sci token "
    "create --role "
    "viewer</code>. Errors are problem documents (RFC 9457) with the wrong fields under "
    "<code>errors</code>.</p>\n";

static void put_text(struct buffer *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '<':
            buffer_append_text(out, "&lt;");
            break;
        case '>':
            buffer_append_text(out, "&gt;");
            break;
        case '&':
            buffer_append_text(out, "&amp;");
            break;
        default:
            buffer_append_char(out, *c);
        }
    }
}

static void put_parameters(struct buffer *out, const struct route *route)
{
    if (route->parameters[0].name == NULL)
        return;
    buffer_append_text(out, "<table><tr><th>parameter<th>in<th>schema<th>meaning</tr>\n");
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i].name != NULL; i++) {
        const struct route_parameter *p = &route->parameters[i];
        buffer_printf(out, "<tr><td><code>%s</code><td>%s<td><code>", p->name, p->in);
        put_text(out, p->schema);
        buffer_append_text(out, "</code><td>");
        put_text(out, p->description);
        buffer_append_text(out, "</tr>\n");
    }
    buffer_append_text(out, "</table>\n");
}

static void put_statuses(struct buffer *out, const struct route *route)
{
    buffer_printf(out, "<p>Answers <b>%d</b>", route->success);
    if (route->response != NULL)
        buffer_printf(out, " with <code>%s</code>", route->response);
    else if (route->response_type != NULL)
        buffer_printf(out, " with <code>%s</code>", route->response_type);
    for (size_t i = 0; i < ROUTE_STATUSES_MAX && route->statuses[i] != 0; i++)
        buffer_printf(out, "; %d %s", route->statuses[i], problem_title(route->statuses[i]));
    if (route->request != NULL)
        buffer_printf(out, ". Body: <code>%s</code>%s", route->request,
                      route->body_optional ? ", may be left out" : "");
    buffer_append_text(out, ".</p>\n");
}

static void put_curl(struct buffer *out, const struct route *route)
{
    buffer_append_text(out, "<pre>curl ");
    if (route->method != METHOD_GET)
        buffer_printf(out, "-X %s ", method_name(route->method));
    if (route->least != ROLE_NONE)
        buffer_append_text(out, "-H \"X-API-Key: $KEY\" ");
    if (route->example != NULL) {
        put_text(out, route->example);
        buffer_append_char(out, ' ');
    }
    buffer_append_text(out, "http://127.0.0.1:8000");
    put_text(out, route->path);
    buffer_append_text(out, "</pre>\n");
}

static void put_route(struct buffer *out, const struct route *route)
{
    buffer_printf(out, "<details><summary><b>%s</b><code>", method_name(route->method));
    put_text(out, route->path);
    buffer_append_text(out, "</code><span>");
    put_text(out, route->summary);
    buffer_printf(out, "</span><i>%s</i></summary><div>\n",
                  route->least == ROLE_NONE ? "no key" : role_name(route->least));
    put_statuses(out, route);
    put_parameters(out, route);
    put_curl(out, route);
    buffer_append_text(out, "</div></details>\n");
}

static void put_measures(struct buffer *out)
{
    buffer_append_text(out, "<h2>Measures</h2>\n<table><tr><th>name<th>unit<th>meaning</tr>\n");
    for (int id = 0; id < MEASURE_COUNT; id++) {
        const struct measure_info *info = measure_info((enum measure_id)id);
        buffer_printf(out, "<tr><td><code>%s</code><td>%s<td>", info->name, info->unit);
        put_text(out, info->label);
        buffer_append_text(out, "</tr>\n");
    }
    buffer_append_text(out, "</table>\n");
}

int docs_write(struct buffer *out, struct error *error)
{
    buffer_append_text(out, page_head);
    for (size_t i = 0; i < api_route_count; i++) {
        if (i == 0 || strcmp(api_routes[i].tag, api_routes[i - 1].tag) != 0)
            buffer_printf(out, "<h2>%s</h2>\n", api_routes[i].tag);
        put_route(out, &api_routes[i]);
    }
    put_measures(out);
    buffer_append_text(out, "</body></html>\n");
    return out->failed ? error_nomem(error, "docs") : 0;
}
