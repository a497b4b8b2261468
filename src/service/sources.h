/* Every kind of source that the service knows: those of media, and those that need other parts of it. */
#ifndef SCI_SERVICE_SOURCES_H
#define SCI_SERVICE_SOURCES_H

#include "base/error.h"
#include "core/observation.h"

/* As source_kind_for of media/source.h. */
const struct source_kind *service_source_kind(const char *uri, struct error *error);

/* An NVIDIA DeepStream application's objects from a Redis stream (core/object_uri.h). */
extern const struct source_kind source_kind_deepstream;

#endif
