/* Which density network counts: inference.density_model and density_ensemble, or the detector's own head. */
#ifndef SCI_PIPELINE_DENSITY_CHOICE_H
#define SCI_PIPELINE_DENSITY_CHOICE_H

#include <stdbool.h>

#include "base/error.h"
#include "config/config.h"
#include "vision/density.h"
#include "vision/network.h"

/* Whether the configuration wants the detector's head: density_model: detector. */
bool density_choice_is_head(const struct config *config);

/*
 * `detector` is lent for the density network's life; NULL where none is open. Its head is also taken where
 * the density model's file is not there and no ensemble is wanted. `threads`, `provider`: of a network of its
 * own. ERR_INVALID when the head is wanted and the detector has none; ERR_NOT_FOUND when there is neither
 * file nor head; else as density_open.
 */
int density_choice_open(const struct config *config, struct network *detector, int threads,
                        const char *provider, struct density_network **density, struct error *error);
/* Words for people: the file, or that it is the detector's head. */
const char *density_choice_name(const struct config *config, const struct density_network *density);

#endif
