/* Problem documents (RFC 9457): what every answer of 400 and above carries. */
#ifndef SCI_API_PROBLEM_H
#define SCI_API_PROBLEM_H

#include "api/request.h"

/* Replaces whatever the answer held by a problem document; fields that were gathered become its `errors`. */
void problem_write(struct answer *answer, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same from an error of ours: the code chooses the status. */
void problem_from_error(struct answer *answer, const struct error *error);
int problem_status(int error_code);
/* Gathers one wrong field. */
void problem_add_field(struct answer *answer, const char *field, const char *message);
/* control_field_error with a `struct answer` as user */
void problem_on_field(void *user, const char *field, const char *message);
const char *problem_title(int status); /* "Not Found" */

#endif
