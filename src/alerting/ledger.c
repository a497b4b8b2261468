#include "alerting/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerting/journal.h"
#include "base/clock.h"
#include "base/text.h"

#define RETRY_NS (1 * NS_PER_S)

struct kept {
    bool sent;
    bool stored; /* or given up: about to go */
    struct alert_event event;
};

struct ledger {
    struct ledger_options options;
    struct journal *journal;
    bool failing;
    int64_t retry_at_ns; /* monotonic */
    struct error why;
    size_t count, capacity;
    struct kept *kept; /* in order */
    size_t lost;
    size_t found_count;
    struct alert_event *found;
};

static int note_found(void *user, const struct alert_event *event)
{
    struct ledger *ledger = user;
    struct alert_event *grown = realloc(ledger->found, (ledger->found_count + 1) * sizeof *grown);
    if (!grown)
        return ERR_NOMEM;
    ledger->found = grown;
    grown[ledger->found_count++] = *event;
    return 0;
}

static int put_aside(const char *path, struct error *error)
{
    char aside[4096];
    text_format(aside, sizeof aside, "%s.damaged", path);
    return rename(path, aside) < 0 ? error_set_errno(error, errno, "alert journal %s", path) : 0;
}

int ledger_open(const struct ledger_options *options, struct ledger **ledger, bool *damaged,
                struct error *error)
{
    *ledger = NULL;
    *damaged = false;
    struct ledger *opened = calloc(1, sizeof *opened);
    if (!opened)
        return error_nomem(error, "alert journal");
    opened->options = *options;
    int code = journal_open(options->journal_path, options->journal_bytes, note_found, opened,
                            &opened->journal, error);
    if (code == ERR_FORMAT && put_aside(options->journal_path, error) == 0) {
        *damaged = true;
        code = journal_open(options->journal_path, options->journal_bytes, note_found, opened,
                            &opened->journal, error);
    }
    if (code < 0) {
        ledger_close(&opened);
        return code;
    }
    *ledger = opened;
    return 0;
}

void ledger_close(struct ledger **ledger)
{
    struct ledger *closing = *ledger;
    if (!closing)
        return;
    *ledger = NULL;
    journal_close(&closing->journal);
    free(closing->kept);
    free(closing->found);
    free(closing);
}

const struct alert_event *ledger_found(const struct ledger *ledger, size_t *count)
{
    *count = ledger->found_count;
    return ledger->found;
}

/* ---- what is kept ---- */

static bool same_alert(const struct alert_event *a, const struct alert_event *b)
{
    return strcmp(a->alert.alert_id, b->alert.alert_id) == 0;
}

static int by_alert_then_age(const void *a, const void *b)
{
    const struct kept *x = *(const struct kept *const *)a, *y = *(const struct kept *const *)b;
    int order = strcmp(x->event.alert.alert_id, y->event.alert.alert_id);
    return order != 0 ? order : x < y ? -1 : 1;
}

/* Gives up the changes that a later one of the same alert contains. Without the memory for it nothing is
 * given up.
 */
static void keep_newest_only(struct ledger *ledger)
{
    struct kept **sorted = malloc((ledger->count + 1) * sizeof *sorted);
    if (!sorted)
        return;
    for (size_t i = 0; i < ledger->count; i++)
        sorted[i] = &ledger->kept[i];
    qsort(sorted, ledger->count, sizeof *sorted, by_alert_then_age);
    for (size_t i = 0; i + 1 < ledger->count; i++)
        sorted[i]->stored = same_alert(&sorted[i]->event, &sorted[i + 1]->event);
    free(sorted);
    size_t left = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        if (!ledger->kept[i].stored)
            ledger->kept[left++] = ledger->kept[i];
        else
            ledger->lost++;
    }
    ledger->count = left;
}

static void make_room(struct ledger *ledger)
{
    if (ledger->count < LEDGER_EVENTS_MAX)
        return;
    keep_newest_only(ledger);
    if (ledger->count < LEDGER_EVENTS_MAX)
        return;
    memmove(ledger->kept, ledger->kept + 1, --ledger->count * sizeof *ledger->kept);
    ledger->lost++;
}

int ledger_keep(struct ledger *ledger, const struct alert_event *event)
{
    make_room(ledger);
    if (ledger->count == ledger->capacity) {
        size_t capacity = ledger->capacity ? 2 * ledger->capacity : 16;
        struct kept *grown = realloc(ledger->kept, capacity * sizeof *grown);
        if (!grown)
            return ERR_NOMEM;
        ledger->kept = grown;
        ledger->capacity = capacity;
    }
    ledger->kept[ledger->count++] = (struct kept){.event = *event};
    return 0;
}

static bool has_name(const struct kept *kept, const struct ledger_name *name)
{
    return !kept->stored && kept->event.version == name->version &&
           strcmp(kept->event.alert.alert_id, name->alert_id) == 0;
}

/* Looks from *at on and once around; leaves *at behind what was found. */
static void mark_stored(struct ledger *ledger, const struct ledger_name *name, size_t *at)
{
    for (size_t i = 0; i < ledger->count; i++) {
        size_t index = (*at + i) % ledger->count;
        if (has_name(&ledger->kept[index], name)) {
            ledger->kept[index].stored = true;
            *at = index + 1;
            return;
        }
    }
}

void ledger_stored(struct ledger *ledger, const struct ledger_name *names, size_t count)
{
    size_t at = 0, left = 0;
    for (size_t i = 0; i < count; i++)
        mark_stored(ledger, &names[i], &at);
    for (size_t i = 0; i < ledger->count && count > 0; i++)
        if (!ledger->kept[i].stored) {
            if (left != i)
                ledger->kept[left] = ledger->kept[i];
            left++;
        }
    if (count > 0)
        ledger->count = left;
}

void ledger_send(struct ledger *ledger, int (*to_store)(void *user, const struct alert_event *event),
                 void *user)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (ledger->kept[i].sent)
            continue;
        if (to_store(user, &ledger->kept[i].event) != 0)
            return;
        ledger->kept[i].sent = true;
    }
}

size_t ledger_waiting(const struct ledger *ledger)
{
    return ledger->count;
}

size_t ledger_lost(const struct ledger *ledger)
{
    return ledger->lost;
}

/* ---- the journal ---- */

static bool is_kept(const struct ledger *ledger, const struct alert_event *event)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->kept[i].event.version == event->version && same_alert(&ledger->kept[i].event, event))
            return true;
    return false;
}

static int write_these(struct ledger *ledger, const struct alert_event *open, size_t open_count,
                       struct error *error)
{
    const struct alert_event **list = malloc((open_count + ledger->count + 1) * sizeof *list);
    if (!list)
        return error_nomem(error, "alert journal");
    size_t count = 0;
    for (size_t i = 0; i < open_count; i++)
        if (!is_kept(ledger, &open[i]))
            list[count++] = &open[i];
    for (size_t i = 0; i < ledger->count; i++)
        list[count++] = &ledger->kept[i].event;
    int code = journal_write_anew(ledger->journal, list, count, error);
    free(list);
    return code;
}

/* What still matters: the open alerts, and what the store has not confirmed. */
static int write_anew(struct ledger *ledger, struct error *error)
{
    struct alert_event *open;
    size_t open_count;
    if (ledger->options.list_open(ledger->options.user, &open, &open_count) < 0)
        return error_nomem(error, "alert journal");
    int code = write_these(ledger, open, open_count, error);
    if (code == ERR_FULL) {
        keep_newest_only(ledger);
        code = write_these(ledger, open, open_count, error);
    }
    free(open);
    return code;
}

static void failed(struct ledger *ledger, const struct error *why)
{
    ledger->failing = true;
    ledger->why = *why;
}

void ledger_add(struct ledger *ledger, const struct alert_event *event)
{
    struct error error;
    if (ledger_keep(ledger, event) < 0)
        ledger->lost++; /* to the store; the journal may still take it */
    if (ledger->failing)
        return;
    int code = journal_append(ledger->journal, event, &error);
    if (code == ERR_FULL)
        code = write_anew(ledger, &error);
    if (code < 0)
        failed(ledger, &error);
}

int ledger_commit(struct ledger *ledger, int64_t now_mono_ns, struct error *error)
{
    struct error why;
    if (!ledger->failing) {
        if (journal_sync(ledger->journal, &why) < 0)
            failed(ledger, &why);
    } else if (now_mono_ns >= ledger->retry_at_ns) {
        if (write_anew(ledger, &why) == 0)
            ledger->failing = false;
        else
            failed(ledger, &why);
        ledger->retry_at_ns = now_mono_ns + RETRY_NS;
    }
    if (ledger->failing && error)
        *error = ledger->why;
    return ledger->failing ? ledger->why.code : 0;
}
