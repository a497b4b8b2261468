/*
 * POST /analyze/image: a picture in the body, how many people there are in it. The analysis is not done here:
 * the handler says what is to be done, the HTTP wrapper hands it to the service and suspends the connection
 * until the answer is there, so that no thread of the pool waits for a network.
 */
#include <string.h>
#include <strings.h>

#include "api/images.h"
#include "api/multipart.h"
#include "api/problem.h"
#include "api/resources.h"
#include "base/text.h"

enum { RETRY_AFTER_S = 2 };

static bool is_picture(const char *content_type)
{
    return content_type == NULL || strncasecmp(content_type, "image/", 6) == 0 ||
           strncasecmp(content_type, "application/octet-stream", 24) == 0 || multipart_is(content_type);
}

static bool take_body(const struct request *request, struct answer *answer)
{
    if (request->body_size == 0) {
        problem_write(answer, 400, "a picture is needed as the body");
        return false;
    }
    if (!is_picture(request->header.content_type)) {
        problem_write(answer, 415,
                      "the body must be image/*, application/octet-stream or multipart/form-data");
        return false;
    }
    return true;
}

/* A word of a list; the first one without the parameter. */
static int query_word(const struct request *request, struct answer *answer, const char *name,
                      const char *const *words, int *index)
{
    char message[96] = "expected one of";
    const char *text = target_query(&request->target, name);
    *index = 0;
    for (int i = 0; words[i] != NULL; i++) {
        if (text != NULL && strcmp(text, words[i]) == 0)
            *index = i;
        size_t used = strlen(message);
        text_format(message + used, sizeof message - used, "%s %s", i > 0 ? "," : "", words[i]);
    }
    if (text == NULL || strcmp(text, words[*index]) == 0)
        return 0;
    problem_add_field(answer, name, message);
    return ERR_INVALID;
}

int image_post(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    static const char *const modes[] = {"auto", "boxes", "density", NULL};
    static const char *const maps[] = {"none", "data", "jpeg", NULL};
    struct control_image *image = &request->image;
    int mode = 0, map = 0;
    (void)api;
    if (query_known(request, answer, error) != 0)
        return ERR_INVALID;
    if (query_word(request, answer, "mode", modes, &mode) != 0 ||
        query_word(request, answer, "map", maps, &map) != 0)
        return error_set(error, ERR_INVALID, "query: a parameter is wrong");
    *image = (struct control_image){.bytes = request->body,
                                    .size = request->body_size,
                                    .mode = (enum counting_mode)mode,
                                    .map = (enum control_map)map};
    if (image->mode == COUNTING_BOXES && image->map != CONTROL_MAP_NONE) {
        problem_add_field(answer, "map", "needs the density network, not mode=boxes");
        return error_set(error, ERR_INVALID, "query: a map needs mode=auto or mode=density");
    }
    if (!take_body(request, answer))
        return 0;
    if (multipart_is(request->header.content_type)) {
        int rc = multipart_find_file(request->header.content_type, request->body, request->body_size,
                                     &image->bytes, &image->size, error);
        if (rc != 0)
            return rc;
    }
    answer->kind = ANSWER_LATER;
    answer->status = 200;
    return 0;
}

void images_answer(struct answer *answer, const struct control_image_result *result)
{
    answer->kind = ANSWER_BYTES;
    if (result->code != 0) {
        struct error error = {.code = result->code};
        text_copy(error.text, sizeof error.text, result->reason);
        problem_from_error(answer, &error);
        if (answer->status == 503)
            answer_header(answer, "Retry-After", "%d", RETRY_AFTER_S);
        return;
    }
    buffer_clear(&answer->body);
    buffer_append(&answer->body, result->body->data, result->body->size);
    if (answer->body.failed) {
        problem_write(answer, 503, "not enough memory for the answer");
        return;
    }
    answer->status = 200;
    answer->content_type = result->is_jpeg ? "image/jpeg" : "application/json";
    answer_header(answer, "X-Sci-Count", "%.2f", result->count);
    answer_header(answer, "X-Sci-Low", "%.2f", result->low);
    answer_header(answer, "X-Sci-High", "%.2f", result->high);
    answer_header(answer, "X-Sci-Regime", "%s", result->regime);
}
