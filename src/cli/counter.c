#include "cli/counter.h"

#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "media/image.h"
#include "pipeline/density_choice.h"

enum { THREADS_MAX = 64 };

static int threads(const struct counter_options *options, const struct counter *c)
{
    return options->threads > 0 ? (int)options->threads : c->config->inference.threads_per_worker;
}

static int open_density(const struct counter_options *options, struct counter *c, struct error *error)
{
    if (options->model_count == 0)
        return density_choice_open(c->config, c->network, threads(options, c), NULL, &c->density, error);
    const struct density_options density = {.model_path = options->models[0],
                                            .more = options->models + 1,
                                            .more_count = options->model_count - 1,
                                            .threads = threads(options, c)};
    return density_open(&density, &c->density, error);
}

static int open_detector(const struct counter_options *options, struct counter *c, struct error *error)
{
    struct network_options network = {.model_path = c->config->inference.model,
                                      .family = c->config->inference.family,
                                      .threads = threads(options, c)};
    return network_open(&network, &c->network, error);
}

static bool needs_detector(const struct counter_options *options, const struct config *config)
{
    return options->mode != COUNTING_DENSITY || (options->model_count == 0 && density_choice_is_head(config));
}

static int open_parts(const struct counter_options *options, struct counter *c, struct error *error)
{
    int rc = config_load(options->config, &c->config, NULL, error);
    if (rc == 0 && needs_detector(options, c->config))
        rc = open_detector(options, c, error);
    if (rc == 0 && options->mode != COUNTING_BOXES)
        rc = open_density(options, c, error);
    if (rc != 0)
        return rc;
    struct still_options still = {.detection = &c->config->detection,
                                  .network = c->network,
                                  .density = c->density,
                                  .long_side = (int)options->long_side};
    return still_analyst_create(&still, &c->analyst, error);
}

int counter_open(const struct counter_options *options, struct counter *counter, struct error *error)
{
    *counter = (struct counter){.mode = options->mode};
    int rc = open_parts(options, counter, error);
    if (rc != 0)
        counter_close(counter);
    return rc;
}

void counter_close(struct counter *counter)
{
    still_analyst_destroy(&counter->analyst);
    density_close(&counter->density);
    if (counter->network != NULL)
        network_close(&counter->network);
    config_unref(&counter->config);
    buffer_free(&counter->bytes);
}

int counter_run(struct counter *counter, const char *path, struct picture **picture,
                struct still_result *result, struct error *error)
{
    *picture = NULL;
    buffer_clear(&counter->bytes);
    int rc = file_read(path, IMAGE_BYTES_MAX, &counter->bytes, error);
    if (rc != 0)
        return rc; /* names the file itself */
    rc = image_decode(counter->bytes.data, counter->bytes.size, picture, error);
    if (rc == 0)
        rc = still_analyse(counter->analyst, *picture, counter->mode, result, error);
    if (rc != 0) {
        picture_unref(picture);
        (void)error_prefix(error, "%s", path);
    }
    return rc;
}

static bool take_mode(const char *value, enum counting_mode *mode)
{
    for (int m = COUNTING_AUTO; m <= COUNTING_DENSITY; m++) {
        if (strcmp(value, counting_mode_name((enum counting_mode)m)) == 0) {
            *mode = (enum counting_mode)m;
            return true;
        }
    }
    return false;
}

const char *counter_take_option(int option, const char *value, struct counter_options *options)
{
    switch (option) {
    case 'c':
        options->config = value;
        return NULL;
    case 'o':
        return take_mode(value, &options->mode) ? NULL : "a way of counting: auto, boxes or density";
    case 'm':
        if (options->model_count == DENSITY_MODELS_MAX)
            return "one of at most four models";
        options->models[options->model_count++] = value;
        return NULL;
    case 't':
        return text_to_int64(value, &options->threads) && options->threads >= 1 &&
                       options->threads <= THREADS_MAX
                   ? NULL
                   : "a number of threads, 1 to 64";
    default:
        return text_to_int64(value, &options->long_side) && options->long_side >= 1 &&
                       options->long_side <= DENSITY_SIDE_MAX
                   ? NULL
                   : "a long side in pixels, 1 to 8192";
    }
}
