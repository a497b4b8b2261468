#include "cli/counter.h"

#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "media/image.h"

enum { THREADS_MAX = 64 };

static int open_network(const struct counter_options *options, struct counter *c, struct error *error)
{
    struct config *config = NULL;
    int rc = config_load(options->config, &config, NULL, error);
    if (rc != 0)
        return rc;
    struct density_options density = {
        .model_path = options->model != NULL ? options->model : config->inference.density_model,
        .threads = options->threads > 0 ? (int)options->threads : config->inference.threads_per_worker};
    rc = density_open(&density, &c->network, error);
    config_unref(&config);
    return rc != 0 ? rc : density_context_create(c->network, &c->context, error);
}

int counter_open(const struct counter_options *options, struct counter *counter, struct error *error)
{
    *counter = (struct counter){.view = {.long_side = (int)options->long_side}};
    int rc = open_network(options, counter, error);
    if (rc != 0)
        counter_close(counter);
    return rc;
}

void counter_close(struct counter *counter)
{
    density_context_destroy(&counter->context);
    density_close(&counter->network);
    buffer_free(&counter->bytes);
}

int counter_run(struct counter *counter, const char *path, struct picture **picture,
                struct density_result *result, struct error *error)
{
    *picture = NULL;
    buffer_clear(&counter->bytes);
    int rc = file_read(path, IMAGE_BYTES_MAX, &counter->bytes, error);
    if (rc != 0)
        return rc; /* names the file itself */
    rc = image_decode(counter->bytes.data, counter->bytes.size, picture, error);
    if (rc == 0)
        rc = density_infer(counter->network, counter->context, *picture, &counter->view, result, error);
    if (rc != 0) {
        picture_unref(picture);
        (void)error_prefix(error, "%s", path);
    }
    return rc;
}

const char *counter_take_option(int option, const char *value, struct counter_options *options)
{
    switch (option) {
    case 'c':
        options->config = value;
        return NULL;
    case 'm':
        options->model = value;
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
