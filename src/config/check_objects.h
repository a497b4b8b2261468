/* The addresses of sources that are not pictures (core/object_uri.h), as the configuration has them. Private
 * to config. */
#ifndef SCI_CONFIG_CHECK_OBJECTS_H
#define SCI_CONFIG_CHECK_OBJECTS_H

#include "config/config.h"
#include "config/key.h"
#include "config/node.h"

/* Complains about what is wrong with the address of a stream, and about a file that the API may not have
 * read. */
void check_object_uri(struct config_reader *reader, const struct node *place, const char *uri);

/* Zones and lines on the ground need a calibration, or positions on the ground; those in the picture a
 * picture. */
void check_place_coordinates(struct config_reader *reader, const struct node *node,
                             const struct stream_config *stream);

#endif
