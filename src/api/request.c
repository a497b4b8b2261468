#include "api/request.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const method_names[] = {
    [METHOD_GET] = "GET",     [METHOD_HEAD] = "HEAD",     [METHOD_POST] = "POST",       [METHOD_PUT] = "PUT",
    [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE", [METHOD_OPTIONS] = "OPTIONS", [METHOD_OTHER] = "?",
};

const char *method_name(enum http_method method)
{
    return method_names[method];
}

enum http_method method_parse(const char *name)
{
    for (int method = 0; method < METHOD_OTHER; method++) {
        if (strcmp(name, method_names[method]) == 0)
            return (enum http_method)method;
    }
    return METHOD_OTHER;
}

void request_release(struct request *request)
{
    target_free(&request->target);
    json_free(request->json);
    request->json = NULL;
}

void answer_release(struct answer *answer)
{
    buffer_free(&answer->body);
    if (answer->has_file)
        close(answer->file);
    answer->has_file = false;
    buffer_free(&answer->fields);
}

void answer_header(struct answer *answer, const char *name, const char *format, ...)
{
    assert(answer->header_count < sizeof answer->headers / sizeof *answer->headers);
    struct answer_header *header = &answer->headers[answer->header_count++];
    header->name = name;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(header->value, sizeof header->value, format, args);
    va_end(args);
}

int answer_json(struct answer *answer, int status, struct error *error)
{
    if (answer->body.failed)
        return error_nomem(error, "answer");
    answer->status = status;
    answer->content_type = "application/json";
    return 0;
}
