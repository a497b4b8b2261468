/* What is wrong with a configuration: gathered, so that a person mends it in one go; at most REPORT_MAX, in
 * the order of the text. */
#ifndef SCI_CONFIG_REPORT_H
#define SCI_CONFIG_REPORT_H

#include <stdarg.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "config/node.h"

enum { REPORT_MAX = 20 };

struct config_report {
    const char *name; /* of the file */
    /* When set, each problem goes there at once instead of into a text with a place. */
    void (*on_field)(void *user, const char *field, const char *message);
    void *user;
    size_t total; /* also those that no longer fit */
    struct config_problem {
        unsigned line, column;
        size_t order; /* keeps what is at one place in the order it was found */
        char text[ERROR_TEXT_MAX];
    } problems[REPORT_MAX];
};

/* `node` may be NULL: no place. */
void report_add_v(struct config_report *report, const struct node *node, const char *path, const char *format,
                  va_list args) __attribute__((format(printf, 4, 0)));
/* Sorts by place and writes one problem a line; returns ERR_INVALID with the first in `error`, or 0 when
 * there is none. */
int report_finish(struct config_report *report, struct buffer *out, struct error *error);

#endif
