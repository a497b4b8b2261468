/* What the readers of values share. */
#ifndef SCI_CONFIG_VALUE_H
#define SCI_CONFIG_VALUE_H

#include "config/key.h"

enum { VALUE_TEXT_MAX = 4096 };

/* "expected WHAT, got ...": ERR_INVALID. */
int value_expected(const char *what, const struct node *node, struct error *error);
/* The scalar's text where a number or a word is expected; NULL when it is something else. */
const char *node_plain_text(const struct node *node);
int value_read_text(const struct config_key *key, const struct node *node, void *base, struct error *error);
int value_read_list(const struct config_key *key, const struct node *node, void *base, struct error *error);

#endif
