#include "vision/density_head.h"

#include <math.h>
#include <string.h>

enum output { OUTPUT_DENSITY, OUTPUT_RATE, OUTPUT_CROWD, OUTPUT_INTERVAL };
static const char *const output_names[DENSITY_HEAD_OUTPUTS] = {"density", "rate", "crowd", "interval"};
enum interval_part { INTERVAL_FLOOR, INTERVAL_LOW, INTERVAL_HIGH, INTERVAL_PARTS };

static size_t find(const struct session *session, const char *name)
{
    size_t i = 0;
    while (i < session_output_count(session) && strcmp(session_output(session, i)->name, name) != 0)
        i++;
    return i;
}

bool density_head_is_there(const struct session *session)
{
    return find(session, output_names[OUTPUT_DENSITY]) < session_output_count(session);
}

int density_head_find(const struct session *session, struct density_head *head, struct error *error)
{
    for (size_t o = 0; o < DENSITY_HEAD_OUTPUTS; o++) {
        head->outputs[o] = find(session, output_names[o]);
        if (head->outputs[o] == session_output_count(session))
            return error_set(
                error, ERR_FORMAT,
                "model %s: no output \"%s\"; a density network has density, rate, crowd, interval",
                session_path(session), output_names[o]);
    }
    return 0;
}

bool density_head_has(const struct density_head *head, size_t output)
{
    for (size_t o = 0; o < DENSITY_HEAD_OUTPUTS; o++)
        if (head->outputs[o] == output)
            return true;
    return false;
}

static int check_shapes(const struct density_head *h, const struct session *session, const struct tensor *out,
                        int64_t rows, int64_t columns, struct error *error)
{
    const struct tensor *d = &out[h->outputs[OUTPUT_DENSITY]], *rate = &out[h->outputs[OUTPUT_RATE]],
                        *crowd = &out[h->outputs[OUTPUT_CROWD]], *bar = &out[h->outputs[OUTPUT_INTERVAL]];
    if (d->rank == 4 && d->shape[0] == 1 && d->shape[1] == 1 && d->shape[2] == rows &&
        d->shape[3] == columns && rate->rank == 2 && rate->shape[1] == 1 && crowd->rank == 2 &&
        crowd->shape[1] == CROWD_CLASSES && bar->rank == 2 && bar->shape[1] == INTERVAL_PARTS)
        return 0;
    char shape[TENSOR_SHAPE_TEXT];
    return error_set(error, ERR_FORMAT,
                     "model %s: output \"density\" is %s where 1x1x%lldx%lld is needed, or "
                     "\"rate\", \"crowd\", \"interval\" are not 1x1, 1x4, 1x3",
                     session_path(session), tensor_shape_text(d->shape, d->rank, shape), (long long)rows,
                     (long long)columns);
}

int density_head_read(const struct density_head *head, const struct session *session,
                      const struct tensor *outputs, int width, int height, struct density_output *output,
                      struct error *error)
{
    *output = (struct density_output){.columns = width / DENSITY_STRIDE, .rows = height / DENSITY_STRIDE};
    int rc = check_shapes(head, session, outputs, output->rows, output->columns, error);
    if (rc != 0)
        return rc;
    const float *interval = outputs[head->outputs[OUTPUT_INTERVAL]].data;
    for (size_t i = 0; i < INTERVAL_PARTS; i++)
        if (!isfinite(interval[i]) || interval[i] < 0)
            return error_set(error, ERR_FORMAT, "model %s: output \"interval\" holds %g: no error bar",
                             session_path(session), (double)interval[i]);
    output->cells = outputs[head->outputs[OUTPUT_DENSITY]].data;
    output->rate = (double)outputs[head->outputs[OUTPUT_RATE]].data[0];
    for (size_t k = 0; k < CROWD_CLASSES; k++)
        output->crowd[k] = (double)outputs[head->outputs[OUTPUT_CROWD]].data[k];
    output->floor = (double)interval[INTERVAL_FLOOR];
    output->share_low = (double)interval[INTERVAL_LOW];
    output->share_high = (double)interval[INTERVAL_HIGH];
    return 0;
}
