/* The key table's part of measurement health. */
#include <stddef.h>

#include "config/keys.h"

#define HEALTH(member) offsetof(struct health_config, member)
static const struct config_key health_keys[] = {
    {.name = "watch_view",
     .type = KEY_BOOL,
     .offset = HEALTH(watch_view),
     .fallback = "true",
     .restarts = RESTARTS_CAMERA,
     .text =
         "Whether a moved, turned or partly covered view is looked for; false for a camera that is turned on "
         "purpose."},
    {.name = "moved",
     .type = KEY_NUMBER,
     .offset = HEALTH(moved_percent),
     .fallback = "0.5",
     .least = 0.2,
     .most = 20,
     .unit = "%",
     .restarts = RESTARTS_CAMERA,
     .text = "Mean movement of the view, in per cent of the picture's width, from which on the camera has "
             "moved and its "
             "calibration does not count."},
    {.name = "covered",
     .type = KEY_NUMBER,
     .offset = HEALTH(covered_percent),
     .fallback = "20",
     .least = 5,
     .most = 100,
     .unit = "%",
     .restarts = RESTARTS_CAMERA,
     .text = "Share of the view without its usual detail from which on it is covered."},
    {.name = "blurred",
     .type = KEY_NUMBER,
     .offset = HEALTH(blurred_percent),
     .fallback = "40",
     .least = 10,
     .most = 90,
     .unit = "%",
     .restarts = RESTARTS_CAMERA,
     .text = "Loss of sharpness against the camera's own best from which on its picture is blurred."},
    {.name = "dark_level",
     .type = KEY_INT,
     .offset = HEALTH(dark_level),
     .fallback = "40",
     .least = 0,
     .most = 255,
     .restarts = RESTARTS_CAMERA,
     .text = "Brightness, of 255, that 5 % of a picture have to reach; else it is too dark."},
    {.name = "least_rate",
     .type = KEY_NUMBER,
     .offset = HEALTH(least_rate),
     .fallback = "2",
     .least = 0,
     .most = 60,
     .unit = "pictures/s",
     .restarts = RESTARTS_CAMERA,
     .text =
         "Analysed pictures per second below which speeds and flows are not valid; below 60 % of it nothing "
         "that is counted is."},
    {.name = "late_after",
     .type = KEY_DURATION,
     .offset = HEALTH(late_after_ns),
     .fallback = "2s",
     .least = 0.5,
     .most = 600,
     .unit = "s",
     .restarts = RESTARTS_CAMERA,
     .text = "Growth of a camera's delay from which on its pictures are late."},
};
NEW_SECTION(section_health, "Health", struct health_config, health_keys);
