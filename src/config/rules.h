/* Alert rules: the built-in ones, and what a rule that leaves things out is completed with. */
#ifndef SCI_CONFIG_RULES_H
#define SCI_CONFIG_RULES_H

#include "config/config.h"
#include "config/key.h"

/* clear_below from the lowest threshold, unless it was given. */
void rule_complete(struct alert_rule *rule);
/* Amber, red and critical of a zone's kind, LOW at four fifths of amber: people/m2. */
void rule_set_kind_thresholds(struct alert_rule *rule, enum zone_kind kind);
/* Checks the rules against the streams, completes them, and adds the built-in ones that no rule replaces. */
int rules_finish(struct config_reader *reader, const struct node *alerts, struct config *config);

#endif
