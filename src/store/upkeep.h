/*
 * What has to be done to stored rows as time passes: coarser steps are made of finer ones when they end, and
 * old rows are deleted in small batches. Done in small pieces between writes; every piece is one short call
 * of the store.
 *
 * At start the coarser rows that are missing since the newest ones in the store are made (that is how the
 * minute under way when a process was killed comes out whole). A row of a second that arrives late makes its
 * minute, hour and day anew. What the retention has begun to delete is not made anew.
 *
 * Not thread-safe: it belongs to the writer thread. Wall-clock time comes in as an argument.
 */
#ifndef SCI_STORE_UPKEEP_H
#define SCI_STORE_UPKEEP_H

#include "store/store.h"

enum { COARSER_STEPS = 3, DUE_MAX = 256 };

struct upkeep {
    struct store_handle store;
    int64_t retention_1s_ns, retention_1min_ns, retention_alerts_ns; /* 0 = for ever */
    struct due {                                                     /* by step: 1 min, 1 h, 1 day */
        bool looked;                                                 /* `cursor_ns` is known */
        int64_t cursor_ns; /* finer rows from here on may lack their coarser ones; INT64_MAX = none */
        size_t count;
        int64_t starts[DUE_MAX]; /* ascending */
    } due[COARSER_STEPS];
    int retention_kind; /* next to look at */
};

void upkeep_init(struct upkeep *upkeep, struct store_handle store);
/* A 1 s row that starts then was written. */
void upkeep_mark(struct upkeep *upkeep, int64_t start_ns);
/* Makes at most one coarser step's rows. 1: did something, ask again; 0: nothing is due; negative: the
 * store's error. */
int upkeep_roll_up(struct upkeep *upkeep, int64_t now_ns, struct error *error);
/* Deletes one small batch. 1: there may be more; 0: all kinds have been looked at. */
int upkeep_retain(struct upkeep *upkeep, int64_t now_ns, struct error *error);

#endif
