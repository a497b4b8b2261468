#include "store/upkeep.h"

#include <string.h>

enum { DELETE_BATCH = 2000 };

/* Rows may come in some seconds late (a gathered batch, a slow commit): a step is made when it has been over
 * for so long. */
#define GRACE_NS (3 * NS_PER_S)

static const enum aggregate_step steps[COARSER_STEPS + 1] = {STEP_1S, STEP_1MIN, STEP_1H, STEP_1D};

static int64_t step_ns(int coarser)
{
    return (int64_t)steps[coarser + 1] * NS_PER_S;
}

static int64_t floor_to(int64_t wall_ns, int64_t unit_ns)
{
    int64_t rest = wall_ns % unit_ns;
    return wall_ns - (rest < 0 ? rest + unit_ns : rest);
}

void upkeep_init(struct upkeep *upkeep, struct store_handle store)
{
    *upkeep = (struct upkeep){.store = store};
    for (int i = 0; i < COARSER_STEPS; i++)
        upkeep->due[i].cursor_ns = INT64_MAX;
}

static void mark(struct due *due, int64_t start_ns)
{
    if (start_ns >= due->cursor_ns)
        return; /* will be found */
    size_t i = due->count;
    while (i > 0 && due->starts[i - 1] > start_ns)
        i--;
    if (i > 0 && due->starts[i - 1] == start_ns)
        return;
    if (due->count == DUE_MAX) {
        due->cursor_ns = start_ns; /* too many to remember: found by looking, from the earliest on */
        if (due->starts[0] < start_ns)
            due->cursor_ns = due->starts[0];
        due->count = 0;
        return;
    }
    memmove(&due->starts[i + 1], &due->starts[i], (due->count - i) * sizeof due->starts[0]);
    due->starts[i] = start_ns;
    due->count++;
}

void upkeep_mark(struct upkeep *upkeep, int64_t start_ns)
{
    mark(&upkeep->due[0], floor_to(start_ns, step_ns(0)));
}

/* What of the finer rows is being deleted ends here, at a whole coarser step. */
static int64_t deleted_until(const struct upkeep *upkeep, int coarser, int64_t now_ns)
{
    int64_t keep_ns = coarser == 0 ? upkeep->retention_1s_ns : coarser == 1 ? upkeep->retention_1min_ns : 0;
    return keep_ns == 0 ? INT64_MIN : floor_to(now_ns - keep_ns, step_ns(coarser));
}

static int make_rows(struct upkeep *upkeep, int coarser, int64_t start_ns, int64_t now_ns,
                     struct error *error)
{
    if (start_ns < deleted_until(upkeep, coarser, now_ns))
        return 0;
    int code = upkeep->store.kind->roll_up(upkeep->store.store, steps[coarser + 1], start_ns, error);
    if (code == 0 && coarser + 1 < COARSER_STEPS)
        mark(&upkeep->due[coarser + 1], floor_to(start_ns, step_ns(coarser + 1)));
    return code;
}

/* Where to begin: at the newest coarser rows, which may lack finer ones that came after a crash. A clock that
 * was wrong once may have left rows in the future; they say nothing. */
static int find_cursor(struct upkeep *upkeep, int coarser, int64_t now_ns, struct error *error)
{
    struct due *due = &upkeep->due[coarser];
    int64_t first, last;
    int code = upkeep->store.kind->find_analytics(upkeep->store.store, steps[coarser + 1], INT64_MIN / 2,
                                                  &first, &last, error);
    if (code < 0 && code != ERR_NOT_FOUND)
        return code;
    due->looked = true;
    if (code == ERR_NOT_FOUND)
        due->cursor_ns = INT64_MIN / 2;
    else
        due->cursor_ns = last <= now_ns ? last : floor_to(now_ns, step_ns(coarser)) - 2 * step_ns(coarser);
    return 0;
}

/* The next coarser step at or after the cursor that has finer rows. */
static int follow_cursor(struct upkeep *upkeep, int coarser, int64_t now_ns, struct error *error)
{
    struct due *due = &upkeep->due[coarser];
    int64_t first, last;
    int code = upkeep->store.kind->find_analytics(upkeep->store.store, steps[coarser], due->cursor_ns, &first,
                                                  &last, error);
    if (code < 0 && code != ERR_NOT_FOUND)
        return code;
    if (code == ERR_NOT_FOUND) {
        due->cursor_ns = INT64_MAX;
        return 1;
    }
    int64_t start_ns = floor_to(first, step_ns(coarser));
    if (start_ns + step_ns(coarser) + GRACE_NS > now_ns) {
        due->cursor_ns = INT64_MAX; /* not over yet; all that follows is later still */
        mark(due, start_ns);
        return 1;
    }
    code = make_rows(upkeep, coarser, start_ns, now_ns, error);
    if (code == 0)
        due->cursor_ns = start_ns + step_ns(coarser);
    return code < 0 ? code : 1;
}

static int make_due(struct upkeep *upkeep, int coarser, int64_t now_ns, struct error *error)
{
    struct due *due = &upkeep->due[coarser];
    if (due->count == 0 || due->starts[0] + step_ns(coarser) + GRACE_NS > now_ns)
        return 0;
    int code = make_rows(upkeep, coarser, due->starts[0], now_ns, error);
    if (code < 0)
        return code;
    due->count--;
    memmove(due->starts, due->starts + 1, due->count * sizeof due->starts[0]);
    return 1;
}

int upkeep_roll_up(struct upkeep *upkeep, int64_t now_ns, struct error *error)
{
    for (int coarser = 0; coarser < COARSER_STEPS; coarser++) {
        struct due *due = &upkeep->due[coarser];
        int code = 0;
        if (!due->looked)
            code = find_cursor(upkeep, coarser, now_ns, error);
        if (code == 0 && due->cursor_ns != INT64_MAX)
            code = follow_cursor(upkeep, coarser, now_ns, error);
        if (code == 0)
            code = make_due(upkeep, coarser, now_ns, error);
        if (code != 0)
            return code; /* coarser steps wait until the finer ones are made */
    }
    return 0;
}

static int delete_kind(struct upkeep *upkeep, int64_t now_ns, struct error *error)
{
    const struct store_kind *kind = upkeep->store.kind;
    struct store *store = upkeep->store.store;
    switch (upkeep->retention_kind) {
    case 0:
    case 1: {
        int64_t until_ns = deleted_until(upkeep, upkeep->retention_kind, now_ns);
        return until_ns == INT64_MIN ? 0
                                     : kind->delete_analytics(store, steps[upkeep->retention_kind], until_ns,
                                                              DELETE_BATCH, error);
    }
    case 2:
        return upkeep->retention_alerts_ns == 0
                   ? 0
                   : kind->delete_alerts(store, now_ns - upkeep->retention_alerts_ns, DELETE_BATCH / 10,
                                         error);
    case 3:
        return upkeep->retention_1min_ns == 0
                   ? 0
                   : kind->delete_system_metrics(store, now_ns - upkeep->retention_1min_ns, DELETE_BATCH,
                                                 error);
    default:
        return kind->delete_sessions(store, now_ns, DELETE_BATCH, error);
    }
}

int upkeep_retain(struct upkeep *upkeep, int64_t now_ns, struct error *error)
{
    enum { KINDS = 5 };
    int deleted = delete_kind(upkeep, now_ns, error);
    if (deleted < 0)
        return deleted;
    if (deleted > 0)
        return 1;
    upkeep->retention_kind = (upkeep->retention_kind + 1) % KINDS;
    return upkeep->retention_kind != 0;
}
