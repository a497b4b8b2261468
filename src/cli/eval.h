/* What `sci eval` can score: one function per kind, argv[0] is its name. A new one: its line here and in the
 * table of eval.c. */
#ifndef SCI_CLI_EVAL_H
#define SCI_CLI_EVAL_H

int cli_eval_count(int argc, char **argv);
int cli_eval_detect(int argc, char **argv);
int cli_eval_mot(int argc, char **argv);

#endif
