/*
 * Camera calibration in the XML published with PETS 2009: <Camera> with the attributes of <Geometry>,
 * <Intrinsic> and <Extrinsic> (Tsai's model; millimetres, radians). The wrapper of expat.
 */
#ifndef SCI_CONFIG_CALIBRATION_XML_H
#define SCI_CONFIG_CALIBRATION_XML_H

#include <stddef.h>

#include "base/error.h"
#include "geo/camera.h"

/* Fills in `tsai`. ERR_FORMAT "name:line:column: what"; every number has to be there once; at most 1 MiB. */
int calibration_xml_parse(const char *text, size_t size, const char *name, struct camera_tsai *tsai,
                          struct error *error);

#endif
