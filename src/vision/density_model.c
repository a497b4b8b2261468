#include "vision/density_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum output { OUTPUT_DENSITY, OUTPUT_RATE, OUTPUT_CROWD, OUTPUT_INTERVAL, OUTPUTS };
static const char *const output_names[OUTPUTS] = {"density", "rate", "crowd", "interval"};
enum interval_part { INTERVAL_FLOOR, INTERVAL_LOW, INTERVAL_HIGH, INTERVAL_PARTS };

struct density_model {
    struct session *session;
    size_t output[OUTPUTS]; /* their places in the model */
};

static int find_outputs(struct density_model *m, struct error *error)
{
    for (size_t o = 0; o < OUTPUTS; o++) {
        size_t i = 0;
        while (i < session_output_count(m->session) &&
               strcmp(session_output(m->session, i)->name, output_names[o]) != 0)
            i++;
        if (i == session_output_count(m->session))
            return error_set(
                error, ERR_FORMAT,
                "model %s: no output \"%s\"; a density network has density, rate, crowd, interval",
                session_path(m->session), output_names[o]);
        m->output[o] = i;
    }
    return 0;
}

static int check_input(const struct density_model *m, struct error *error)
{
    char shape[TENSOR_SHAPE_TEXT];
    const struct tensor_info *in = session_input(m->session, 0);
    if (session_input_count(m->session) == 1 && in->rank == 4 && in->shape[1] == 3 && in->shape[2] == -1 &&
        in->shape[3] == -1)
        return 0;
    return error_set(error, ERR_FORMAT,
                     "model %s: input \"%s\" is %s; a density network takes 1x3xHEIGHTxWIDTH, both free",
                     session_path(m->session), in->name, tensor_shape_text(in->shape, in->rank, shape));
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
    int rc = session_open(&session, &m->session, error);
    rc = rc != 0 ? rc : check_input(m, error);
    rc = rc != 0 ? rc : find_outputs(m, error);
    if (rc != 0)
        density_model_close(&m);
    *model = m;
    return rc;
}

void density_model_close(struct density_model **model)
{
    struct density_model *m = *model;
    *model = NULL;
    if (m == NULL)
        return;
    session_close(&m->session);
    free(m);
}

static int check_outputs(const struct density_model *m, const struct tensor *out, int64_t rows,
                         int64_t columns, struct error *error)
{
    const struct tensor *d = &out[m->output[OUTPUT_DENSITY]], *rate = &out[m->output[OUTPUT_RATE]],
                        *crowd = &out[m->output[OUTPUT_CROWD]], *bar = &out[m->output[OUTPUT_INTERVAL]];
    if (d->rank == 4 && d->shape[0] == 1 && d->shape[1] == 1 && d->shape[2] == rows &&
        d->shape[3] == columns && rate->rank == 2 && rate->shape[1] == 1 && crowd->rank == 2 &&
        crowd->shape[1] == CROWD_CLASSES && bar->rank == 2 && bar->shape[1] == INTERVAL_PARTS)
        return 0;
    char shape[TENSOR_SHAPE_TEXT];
    return error_set(error, ERR_FORMAT,
                     "model %s: output \"density\" is %s where 1x1x%lldx%lld is needed, or "
                     "\"rate\", \"crowd\", \"interval\" are not 1x1, 1x4, 1x3",
                     session_path(m->session), tensor_shape_text(d->shape, d->rank, shape), (long long)rows,
                     (long long)columns);
}

static void read_outputs(const struct density_model *m, const struct tensor *out, struct density_output *o)
{
    const float *interval = out[m->output[OUTPUT_INTERVAL]].data;
    o->cells = out[m->output[OUTPUT_DENSITY]].data;
    o->rate = (double)out[m->output[OUTPUT_RATE]].data[0];
    for (size_t k = 0; k < CROWD_CLASSES; k++)
        o->crowd[k] = (double)out[m->output[OUTPUT_CROWD]].data[k];
    o->floor = (double)interval[INTERVAL_FLOOR];
    o->share_low = (double)interval[INTERVAL_LOW];
    o->share_high = (double)interval[INTERVAL_HIGH];
}

int density_model_run(struct density_model *model, float *input, int width, int height,
                      struct density_output *output, struct error *error)
{
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = input};
    struct tensor out[SESSION_TENSORS_MAX];
    *output = (struct density_output){.columns = width / DENSITY_STRIDE, .rows = height / DENSITY_STRIDE};
    int rc = session_run(model->session, &in, out, &output->hold, error);
    rc = rc != 0 ? rc : check_outputs(model, out, output->rows, output->columns, error);
    if (rc == 0)
        read_outputs(model, out, output);
    else
        density_output_release(output);
    return rc;
}

void density_output_release(struct density_output *output)
{
    session_outputs_release(&output->hold);
    *output = (struct density_output){0};
}
