#include "vision/density_model.h"

#include <stdlib.h>

#include "base/file.h"

struct density_model {
    struct session *session, *own; /* `own` is NULL where the session is lent */
    struct density_head head;
};

static int check_input(const struct session *session, struct error *error)
{
    char shape[TENSOR_SHAPE_TEXT];
    const struct tensor_info *in = session_input(session, 0);
    if (session_input_count(session) == 1 && in->rank == 4 && in->shape[1] == 3 && in->shape[2] == -1 &&
        in->shape[3] == -1)
        return 0;
    return error_set(error, ERR_FORMAT,
                     "model %s: input \"%s\" is %s; a density network takes 1x3xHEIGHTxWIDTH, both free",
                     session_path(session), in->name, tensor_shape_text(in->shape, in->rank, shape));
}

int density_model_open(const char *path, int threads, const char *provider, struct density_model **model,
                       struct error *error)
{
    *model = NULL;
    if (!file_exists(path))
        return error_set(error, ERR_NOT_FOUND, "no density model installed: %s: no such file", path);
    struct density_model *m = calloc(1, sizeof *m);
    if (m == NULL)
        return error_nomem(error, "a density network");
    struct session_options session = {.path = path, .threads = threads, .provider = provider};
    int rc = session_open(&session, &m->own, error);
    m->session = m->own;
    rc = rc != 0 ? rc : check_input(m->session, error);
    rc = rc != 0 ? rc : density_head_find(m->session, &m->head, error);
    if (rc != 0)
        density_model_close(&m);
    *model = m;
    return rc;
}

struct density_model *density_model_of(struct session *session, const struct density_head *head)
{
    struct density_model *m = calloc(1, sizeof *m);
    if (m != NULL)
        *m = (struct density_model){.session = session, .head = *head};
    return m;
}

void density_model_close(struct density_model **model)
{
    struct density_model *m = *model;
    *model = NULL;
    if (m == NULL)
        return;
    session_close(&m->own);
    free(m);
}

int density_model_margin(const struct density_model *model)
{
    return session_output_count(model->session) > DENSITY_HEAD_OUTPUTS ? DENSITY_DETECTOR_MARGIN
                                                                       : DENSITY_MARGIN;
}

int density_model_run(struct density_model *model, float *input, int width, int height,
                      struct density_output *output, struct session_outputs **hold, struct error *error)
{
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = input};
    struct tensor out[SESSION_TENSORS_MAX];
    int rc = session_run(model->session, &in, out, hold, error);
    rc = rc != 0 ? rc : density_head_read(&model->head, model->session, out, width, height, output, error);
    if (rc != 0)
        session_outputs_release(hold);
    return rc;
}
