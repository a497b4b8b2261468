/* Loading a detector, and what is known of it then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "vision/network_internal.h"

enum { PROBE_WIDTH = 96, PROBE_HEIGHT = 64, INPUT_SIDE_MAX = 4096 };

static int check_input(struct network *n, struct error *error)
{
    const char *path = session_path(n->session);
    if (session_input_count(n->session) != 1)
        return error_set(error, ERR_FORMAT, "model %s: %zu inputs found, a detector has one", path,
                         session_input_count(n->session));
    const struct tensor_info *in = session_input(n->session, 0);
    char shape[TENSOR_SHAPE_TEXT];
    tensor_shape_text(in->shape, in->rank, shape);
    if (in->rank != 4 || (in->shape[0] != 1 && in->shape[0] != -1) || in->shape[1] != 3)
        return error_set(error, ERR_FORMAT, "model %s: input \"%s\" is %s, needed is 1x3xHEIGHTxWIDTH", path,
                         in->name, shape);
    int64_t height = in->shape[2], width = in->shape[3];
    if ((height < 0) != (width < 0) || height == 0 || width == 0 || height > INPUT_SIDE_MAX ||
        width > INPUT_SIDE_MAX)
        return error_set(
            error, ERR_UNSUPPORTED,
            "model %s: input \"%s\" is %s; height and width must be both free or both given, at most %d",
            path, in->name, shape, INPUT_SIDE_MAX);
    n->fixed_height = height < 0 ? 0 : (int)height;
    n->fixed_width = width < 0 ? 0 : (int)width;
    return 0;
}

static int find_head(struct network *n, struct error *error)
{
    n->has_head = density_head_is_there(n->session);
    if (!n->has_head)
        return 0;
    if (n->fixed_width > 0)
        return error_set(
            error, ERR_UNSUPPORTED,
            "model %s: a density head, but an input of %dx%d only: crowds are counted at any size",
            session_path(n->session), n->fixed_width, n->fixed_height);
    return density_head_find(n->session, &n->head, error);
}

static int check_head(const struct network *n, const struct tensor *outputs, int width, int height,
                      struct error *error)
{
    struct density_output output;
    if (!n->family->may_have_head)
        return error_set(error, ERR_UNSUPPORTED, "model %s: a density head on a detector of family %s",
                         session_path(n->session), n->family->name);
    return density_head_read(&n->head, n->session, outputs, width, height, &output, error);
}

/* Free sizes say nothing about the outputs until the network has run once. The probe's size gives each family
 * numbers of rows and values that are not another's. */
static int probe(struct network *n, struct error *error)
{
    int width = n->fixed_width > 0 ? n->fixed_width : PROBE_WIDTH,
        height = n->fixed_height > 0 ? n->fixed_height : PROBE_HEIGHT;
    float *zeros = calloc((size_t)width * (size_t)height, 3 * sizeof *zeros);
    if (zeros == NULL)
        return error_nomem(error, "a network's first input");
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = zeros}, out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    int result = session_run(n->session, &in, out, &hold, error);
    if (result == 0) {
        struct tensor boxes[SESSION_TENSORS_MAX];
        struct raw_outputs outputs = network_boxes(n, out, width, height, boxes);
        result = family_match(&n->family, session_path(n->session), &outputs, error);
    }
    if (result == 0 && n->has_head)
        result = check_head(n, out, width, height, error);
    session_outputs_release(&hold);
    free(zeros);
    return result;
}

static int open_model(struct network *n, const struct network_options *options, struct error *error)
{
    struct session_options session = {
        .path = options->model_path, .threads = options->threads, .provider = options->provider};
    int result = session_open(&session, &n->session, error);
    if (result == 0)
        result = check_input(n, error);
    if (result == 0)
        result = find_head(n, error);
    if (result == 0)
        result = family_find(options->family, options->model_path, &n->family, error);
    if (result == 0)
        result = probe(n, error);
    return result;
}

static bool is_name(const char *value, const char *name)
{
    return value != NULL && strcmp(value, name) == 0;
}

int network_open(const struct network_options *options, struct network **network, struct error *error)
{
    *network = NULL;
    struct network *n = calloc(1, sizeof *n);
    if (n == NULL)
        return error_nomem(error, "a network");
    bool automatic = options->family == NULL || is_name(options->family, "auto");
    if (is_name(options->family, "hog") || (is_name(options->model_path, "hog") && automatic)) {
        *network = n;
        return 0;
    }
    if (options->may_fall_back && automatic && !file_exists(options->model_path)) {
        text_format(
            n->degraded, sizeof n->degraded,
            "no model file %s: the built-in HOG detector finds the people instead, and misses more of "
            "them (scripts/setup.sh installs the model)",
            options->model_path);
        *network = n;
        return 0;
    }
    int result = open_model(n, options, error);
    if (result < 0) {
        network_close(&n);
        return result;
    }
    *network = n;
    return 0;
}

void network_close(struct network **network)
{
    struct network *n = *network;
    *network = NULL;
    if (n == NULL)
        return;
    session_close(&n->session);
    free(n);
}

const char *network_provider(const struct network *network, const char **reason)
{
    *reason = network->session != NULL ? session_provider_reason(network->session) : "";
    return network->session != NULL ? session_provider(network->session) : "cpu";
}

const char *network_family(const struct network *network)
{
    return network->session != NULL ? network->family->name : "hog";
}

const char *network_degraded(const struct network *network)
{
    return network->degraded[0] != '\0' ? network->degraded : NULL;
}
