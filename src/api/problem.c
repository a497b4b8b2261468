#include "api/problem.h"

#include <stdarg.h>
#include <string.h>

#include "base/json_write.h"

const char *problem_title(int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        if (titles[i].status == status)
            return titles[i].title;
    }
    return "Error";
}

static void write_document(struct answer *answer, int status, const char *detail)
{
    buffer_clear(&answer->body);
    answer->fixed = NULL;
    answer->kind = ANSWER_BYTES;
    answer->status = status;
    answer->content_type = "application/problem+json";
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    json_put_string(&w, "type", "about:blank");
    json_put_string(&w, "title", problem_title(status));
    json_put_int(&w, "status", status);
    json_put_string(&w, "detail", detail);
    if (answer->fields.size > 0 && !answer->fields.failed) {
        json_key(&w, "errors");
        buffer_append_char(&answer->fields, ']');
        json_raw(&w, answer->fields.data, answer->fields.size);
    }
    json_object_end(&w);
    buffer_clear(&answer->fields);
}

void problem_write(struct answer *answer, int status, const char *format, ...)
{
    struct error text;
    va_list args;
    va_start(args, format);
    (void)error_set_v(&text, ERR_INVALID, format, args);
    va_end(args);
    write_document(answer, status, text.text);
}

int problem_status(int error_code)
{
    switch (error_code) {
    case ERR_FORMAT:
        return 400;
    case ERR_AUTH:
        return 401;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_EXISTS:
    case ERR_CONFLICT:
        return 409;
    case ERR_INVALID:
    case ERR_UNSUPPORTED:
        return 422;
    case ERR_TIMEOUT:
    case ERR_IO:
    case ERR_FULL:
    case ERR_CLOSED:
    case ERR_CANCELED:
    case ERR_NOMEM:
        return 503;
    default:
        return 500;
    }
}

void problem_from_error(struct answer *answer, const struct error *error)
{
    write_document(answer, problem_status(error->code), error->text);
}

void problem_add_field(struct answer *answer, const char *field, const char *message)
{
    buffer_append_char(&answer->fields, answer->fields.size == 0 ? '[' : ',');
    struct json_writer w = json_writer_on(&answer->fields);
    json_object_begin(&w);
    json_put_string(&w, "field", field);
    json_put_string(&w, "message", message);
    json_object_end(&w);
}

void problem_on_field(void *user, const char *field, const char *message)
{
    problem_add_field(user, field, message);
}
