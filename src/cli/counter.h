/* What `sci count` and `sci eval count` have in common: image files counted by the configured networks. */
#ifndef SCI_CLI_COUNTER_H
#define SCI_CLI_COUNTER_H

#include "base/buffer.h"
#include "base/error.h"
#include "core/picture.h"
#include "pipeline/still.h"

struct counter_options {
    const char *config;                     /* NULL = the defaults */
    const char *models[DENSITY_MODELS_MAX]; /* instead of the configuration's; they count together */
    size_t model_count;
    enum counting_mode mode;
    int64_t threads;   /* 0 = the configuration's */
    int64_t long_side; /* 0 = by the picture's size */
};

struct counter {
    struct config *config;
    struct network *network; /* where the mode needs it */
    struct density_network *density;
    struct still_analyst *analyst;
    enum counting_mode mode;
    struct buffer bytes;
};

/* On failure nothing is left open. */
int counter_open(const struct counter_options *options, struct counter *counter, struct error *error);
void counter_close(struct counter *counter);
/* The file's picture (one reference) and what it holds; errors name the file. `result` lives until the next
 * call. */
int counter_run(struct counter *counter, const char *path, struct picture **picture,
                struct still_result *result, struct error *error);

/* 0, or what the option should have been; for 'c', 'm', 't', 'l', 'o'. */
const char *counter_take_option(int option, const char *value, struct counter_options *options);

#endif
