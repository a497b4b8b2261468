/* What the HTTP wrapper needs of POST /analyze/image (images.c) beside its handler. */
#ifndef SCI_API_IMAGES_H
#define SCI_API_IMAGES_H

#include "api/request.h"

/* The answer that a request of ANSWER_LATER waits for. */
void images_answer(struct answer *answer, const struct control_image_result *result);

#endif
