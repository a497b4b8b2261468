/*
 * file_answer: a file as the answer to a GET, whole or the part that a Range header asks for (RFC 9110,
 * section 14; one range).
 */
#ifndef SCI_API_FILE_ANSWER_H
#define SCI_API_FILE_ANSWER_H

#include <stdint.h>

#include "api/request.h"

enum range_result {
    RANGE_WHOLE, /* none was asked for, or one that is not understood: it is passed over, as the RFC has it */
    RANGE_PART,
    RANGE_BEYOND /* nothing of the file is in it: 416 */
};

/* "bytes=0-499", "bytes=500-", "bytes=-500"; `header` may be NULL. The part is first..last, both included. */
enum range_result range_parse(const char *header, int64_t size, int64_t *first, int64_t *last);

/* Fills the answer: 200, 206 or 416. ERR_NOT_FOUND when the file cannot be opened. */
int file_answer(const char *path, const char *content_type, const char *range, struct answer *answer);

#endif
