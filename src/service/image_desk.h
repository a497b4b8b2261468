/*
 * Pictures that clients send (POST /analyze/image): one at a time, in a thread of its own that gives way to
 * the cameras' workers, over the same networks. A few may wait; one more is refused; who has waited too long
 * gets no answer but the reason. Thread-safe.
 */
#ifndef SCI_SERVICE_IMAGE_DESK_H
#define SCI_SERVICE_IMAGE_DESK_H

#include "config/config.h"
#include "service/control.h"
#include "service/encoders.h"
#include "vision/density.h"
#include "vision/network.h"

enum { IMAGE_DESK_WAITING = 8, IMAGE_DESK_PATIENCE_S = 10, IMAGE_DESK_SIDE_MAX = 8192 };

struct image_desk; /* opaque */

/* All lent until image_desk_stop. `density` may be NULL. */
int image_desk_start(const struct config *config, struct network *network, struct density_network *density,
                     struct encoders *encoders, struct image_desk **desk, struct error *error);
/* Those that wait are answered with ERR_CANCELED, and so is whoever comes. */
void image_desk_cancel(struct image_desk *desk);
/* Cancels, and ends the thread. */
void image_desk_stop(struct image_desk **desk);

/* As control_ops.image_analyze. */
int image_desk_put(struct image_desk *desk, const struct control_image *image, control_image_done *done,
                   void *user, struct error *error);
/* Those analysed, and those refused, whether unreadable, too many or too late. */
void image_desk_figures(struct image_desk *desk, int64_t *analyzed, int64_t *refused);

#endif
