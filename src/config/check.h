/* What concerns several keys at once: called by the reader when a section's keys have been read (key.h). */
#ifndef SCI_CONFIG_CHECK_H
#define SCI_CONFIG_CHECK_H

#include "config/key.h"

int begin_stream(struct config_reader *reader, void *base);

int check_recorder(struct config_reader *reader, const struct node *node, void *base);
int check_inference(struct config_reader *reader, const struct node *node, void *base);
int check_server(struct config_reader *reader, const struct node *node, void *base);
int check_detection(struct config_reader *reader, const struct node *node, void *base);
int check_counting(struct config_reader *reader, const struct node *node, void *base);
int check_tracking(struct config_reader *reader, const struct node *node, void *base);
int check_zone(struct config_reader *reader, const struct node *node, void *base);
int check_line(struct config_reader *reader, const struct node *node, void *base);
int check_stream(struct config_reader *reader, const struct node *node, void *base);
int check_rule(struct config_reader *reader, const struct node *node, void *base);
int check_config(struct config_reader *reader, const struct node *node, void *base);

/* Streams over the API read files only below media.allowed_dirs; links are followed before that is decided.
 */
bool path_is_allowed(const struct config *config, const char *path);

#endif
