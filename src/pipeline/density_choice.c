#include "pipeline/density_choice.h"

#include <string.h>

bool density_choice_is_head(const struct config *config)
{
    return strcmp(config->inference.density_model, DENSITY_MODEL_DETECTOR) == 0;
}

static int open_files(const struct config *config, int threads, const char *provider,
                      struct density_network **density, struct error *error)
{
    const struct density_options options = {
        .model_path = config->inference.density_model,
        .more = (const char *const *)config->inference.density_ensemble,
        .more_count = config->inference.density_ensemble_count,
        .threads = threads,
        .provider = provider,
    };
    return density_open(&options, density, error);
}

int density_choice_open(const struct config *config, struct network *detector, int threads,
                        const char *provider, struct density_network **density, struct error *error)
{
    const struct density_options head = {.detector = detector};
    if (density_choice_is_head(config))
        return density_open(&head, density, error);
    int rc = open_files(config, threads, provider, density, error);
    bool may = rc == ERR_NOT_FOUND && config->inference.density_ensemble_count == 0 && detector != NULL &&
               network_has_density(detector);
    return may ? density_open(&head, density, error) : rc;
}

const char *density_choice_name(const struct config *config, const struct density_network *density)
{
    return density_is_head(density) ? DENSITY_MODEL_DETECTOR : config->inference.density_model;
}
