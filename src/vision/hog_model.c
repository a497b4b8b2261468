#include "vision/hog_model.h"

#include "vision/hog_model.inc"
