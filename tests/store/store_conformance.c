#include "store_conformance.h"

// clang-format off
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/text.h"

#define DAY_START (INT64_C(20000) * 86400 * NS_PER_S) /* 2024-10-04T00:00:00Z */

static const struct conformance_target *target;

struct fixture {
    char where[256];
    struct store *store;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct error error;
    if (!fixture || target->make_place(fixture->where, sizeof fixture->where) < 0)
        return -1;
    if (target->kind->open(fixture->where, &fixture->store, &error) < 0) {
        print_error("%s\n", error.text);
        return -1;
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    target->kind->close(&fixture->store);
    target->remove_place(fixture->where);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture)
{
    struct error error;
    target->kind->close(&fixture->store);
    assert_null(fixture->store);
    assert_int_equal(target->kind->open(fixture->where, &fixture->store, &error), 0);
}

#define STORE(state) (((struct fixture *)*(state))->store)
#define CALL(function, ...) target->kind->function(STORE(state), __VA_ARGS__)

static void assert_same_real(double a, double b)
{
    assert_int_equal(isnan(a), isnan(b));
    if (!isnan(a))
        assert_true(fabs(a - b) <= 1e-9 * (1 + fabs(b)));
}

/* ---- analytics ---- */

enum { ROWS_MAX = 4096 };

struct row_list {
    size_t count;
    struct analytics_row rows[ROWS_MAX];
    int stop_with; /* returned at the third row when not 0 */
};

static int collect_row(void *user, const struct analytics_row *row)
{
    struct row_list *list = user;
    assert_true(list->count < ROWS_MAX);
    list->rows[list->count++] = *row;
    return list->stop_with && list->count == 3 ? list->stop_with : 0;
}

static struct analytics_row make_row(const char *stream, const char *zone, enum measure_id measure,
                                     int64_t second, double mean)
{
    struct analytics_row row = {.measure = measure,
                                .step = STEP_1S,
                                .start_ns = DAY_START + second * NS_PER_S,
                                .mean = mean,
                                .min = mean - 1,
                                .max = mean + 1,
                                .valid_share = isnan(mean) ? 0 : 0.5,
                                .samples = 8};
    text_copy(row.stream_id, sizeof row.stream_id, stream);
    text_copy(row.zone_id, sizeof row.zone_id, zone);
    return row;
}

static struct analytics_query make_query(const char *stream, const char *zone, int measure)
{
    return (struct analytics_query){.stream_id = stream,
                                    .zone_id = zone,
                                    .measure = measure,
                                    .step = STEP_1S,
                                    .from_ns = DAY_START,
                                    .to_ns = DAY_START + 86400 * NS_PER_S,
                                    .limit = ROWS_MAX};
}

static void assert_same_row(const struct analytics_row *a, const struct analytics_row *b)
{
    assert_string_equal(a->stream_id, b->stream_id);
    assert_string_equal(a->zone_id, b->zone_id);
    assert_int_equal(a->measure, b->measure);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->start_ns, b->start_ns);
    assert_int_equal(a->samples, b->samples);
    assert_same_real(a->mean, b->mean);
    assert_same_real(a->min, b->min);
    assert_same_real(a->max, b->max);
    assert_same_real(a->valid_share, b->valid_share);
}

static void analytics_read_back(void **state)
{
    struct error error;
    const struct analytics_row rows[] = {
        make_row("gate_a", "", MEASURE_PEOPLE, 10, 12.25),
        make_row("gate_a", "north", MEASURE_DENSITY_PEAK, 10, 0.1),
        make_row("gate_a", "north", MEASURE_OCCUPANCY, 11, NAN),
        make_row("gate_b", "", MEASURE_PEOPLE, 10, 7),
    };
    struct row_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    assert_int_equal(CALL(write_analytics, rows, 4, &error), 0);
    /* Writing twice changes nothing; a row that comes again replaces. */
    assert_int_equal(CALL(write_analytics, rows, 4, &error), 0);
    reopen(*state);

    struct analytics_query query = make_query("gate_a", NULL, -1);
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_same_row(&list->rows[i], &rows[i]);
    list->count = 0;
    query = make_query("gate_a", "", -1);
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 1);
    list->count = 0;
    query = make_query("gate_a", NULL, MEASURE_OCCUPANCY);
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 1);
    assert_true(isnan(list->rows[0].mean));
    list->count = 0;
    query = make_query("nowhere", NULL, -1);
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 0);
    free(list);
}

static void analytics_replaced(void **state)
{
    struct error error;
    struct row_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    struct analytics_row row = make_row("gate_a", "", MEASURE_PEOPLE, 10, 1);
    assert_int_equal(CALL(write_analytics, &row, 1, &error), 0);
    row = make_row("gate_a", "", MEASURE_PEOPLE, 10, 2);
    assert_int_equal(CALL(write_analytics, &row, 1, &error), 0);
    struct analytics_query query = make_query("gate_a", NULL, -1);
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 1);
    assert_same_row(&list->rows[0], &row);
    free(list);
}

/* Range ends, limits and cursors: every row is seen once, in order, whatever the page size. */
static void analytics_paged(void **state)
{
    enum { SECONDS = 50, GAP = 20000 };
    struct error error;
    struct row_list *all = calloc(1, sizeof *all), *paged = calloc(1, sizeof *paged);
    assert_non_null(all);
    assert_non_null(paged);
    for (int second = 0; second < SECONDS; second++) {
        int64_t at = second < 25 ? second : GAP + second;
        const struct analytics_row rows[] = {make_row("gate_a", "", MEASURE_PEOPLE, at, second),
                                             make_row("gate_a", "z", MEASURE_OCCUPANCY, at, second),
                                             make_row("gate_a", "z", MEASURE_SPEED_MEAN, at, second)};
        assert_int_equal(CALL(write_analytics, rows, second % 3 == 0 ? 1 : 3, &error), 0);
    }
    struct analytics_query query = make_query("gate_a", NULL, -1);
    assert_int_equal(CALL(read_analytics, &query, collect_row, all, &error), 0);
    assert_int_equal(all->count, 17 + 33 * 3);
    for (size_t limit = 1; limit <= 40; limit += 3) {
        paged->count = 0;
        query.limit = limit;
        query.after_ns = 0;
        size_t before;
        do {
            before = paged->count;
            assert_int_equal(CALL(read_analytics, &query, collect_row, paged, &error), 0);
            if (paged->count > 0)
                query.after_ns = paged->rows[paged->count - 1].start_ns;
            assert_true(paged->count - before <= limit + 2);
        } while (paged->count > before);
        assert_int_equal(paged->count, all->count);
        for (size_t i = 0; i < all->count; i++)
            assert_same_row(&paged->rows[i], &all->rows[i]);
    }
    all->count = 0;
    query = make_query("gate_a", NULL, MEASURE_PEOPLE);
    query.from_ns = DAY_START + 3 * NS_PER_S;
    query.to_ns = DAY_START + 6 * NS_PER_S;
    assert_int_equal(CALL(read_analytics, &query, collect_row, all, &error), 0);
    assert_int_equal(all->count, 3);
    assert_int_equal(all->rows[0].start_ns, query.from_ns);
    free(all);
    free(paged);
}

static void analytics_stopped_by_reader(void **state)
{
    struct error error;
    struct row_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    for (int second = 0; second < 10; second++) {
        struct analytics_row row = make_row("gate_a", "", MEASURE_PEOPLE, second, second);
        assert_int_equal(CALL(write_analytics, &row, 1, &error), 0);
    }
    struct analytics_query query = make_query("gate_a", NULL, -1);
    list->stop_with = ERR_CANCELED;
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), ERR_CANCELED);
    assert_int_equal(list->count, 3);
    list->count = 0;
    list->stop_with = 7;
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 7);
    /* The connection is whole afterwards. */
    list->count = 0;
    list->stop_with = 0;
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 10);
    free(list);
}

static void analytics_refused(void **state)
{
    struct error error;
    struct row_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    for (int spoiled = 0; spoiled < 9; spoiled++) {
        struct analytics_row rows[] = {make_row("gate_a", "", MEASURE_PEOPLE, 10, 1),
                                       make_row("gate_a", "", MEASURE_PEOPLE, 11, 1)};
        struct analytics_row *row = &rows[1];
        switch (spoiled) {
        case 0:
            row->stream_id[0] = '\0';
            break;
        case 1:
            row->zone_id[0] = ' ';
            break;
        case 2:
            row->start_ns++;
            break;
        case 3:
            row->step = (enum aggregate_step)7;
            break;
        case 4:
            row->measure = MEASURE_COUNT;
            break;
        case 5:
            row->valid_share = 1.5;
            break;
        case 6:
            row->valid_share = NAN;
            break;
        case 7:
            row->min = row->max + 1;
            break;
        default:
            row->mean = INFINITY;
            break;
        }
        assert_int_equal(CALL(write_analytics, rows, 2, &error), ERR_INVALID);
        assert_non_null(strstr(error.text, "analytics of stream"));
    }
    struct analytics_query query = make_query("gate_a", NULL, -1);
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 0);
    free(list);
}

/* Against the same sums in C, over random minutes with gaps and invalid seconds. */
static void analytics_rolled_up(void **state)
{
    struct error error;
    struct random_state random;
    random_seed(&random, 7);
    struct row_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    for (int minute = 0; minute < 20; minute++) {
        double sum = 0, weight = 0, low = INFINITY, high = -INFINITY;
        int64_t samples = 0;
        for (int second = 0; second < 60; second++) {
            if (random_below(&random, 3) == 0)
                continue;
            bool valid = minute != 5 && random_below(&random, 4) > 0;
            struct analytics_row row = make_row("gate_a", "z", MEASURE_OCCUPANCY, minute * 60 + second,
                                                valid ? random_unit(&random) : NAN);
            row.samples = 1 + random_below(&random, 30);
            row.valid_share = valid ? 0.25 + 0.75 * random_unit(&random) : 0;
            assert_int_equal(CALL(write_analytics, &row, 1, &error), 0);
            samples += row.samples;
            if (!valid)
                continue;
            sum += row.mean * row.valid_share * (double)row.samples;
            weight += row.valid_share * (double)row.samples;
            low = fmin(low, row.min);
            high = fmax(high, row.max);
        }
        assert_int_equal(CALL(roll_up, STEP_1MIN, DAY_START + minute * 60 * NS_PER_S, &error), 0);
        struct analytics_query query = make_query("gate_a", NULL, -1);
        query.step = STEP_1MIN;
        query.from_ns = DAY_START + minute * 60 * NS_PER_S;
        list->count = 0;
        assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
        assert_int_equal(list->count, 1);
        const struct analytics_row *row = &list->rows[0];
        assert_int_equal(row->start_ns, query.from_ns);
        assert_int_equal(row->samples, samples);
        assert_same_real(row->valid_share, weight / (double)samples);
        assert_same_real(row->mean, weight > 0 ? sum / weight : NAN);
        assert_same_real(row->min, weight > 0 ? low : NAN);
        assert_same_real(row->max, weight > 0 ? high : NAN);
    }
    free(list);
}

static void analytics_rolled_up_to_days(void **state)
{
    struct error error;
    struct row_list *list = calloc(1, sizeof *list);
    assert_non_null(list);
    for (int hour = 0; hour < 2; hour++)
        for (int minute = 0; minute < 2; minute++) {
            struct analytics_row row =
                make_row("gate_a", "", MEASURE_PEOPLE, hour * 3600 + minute * 60, hour * 10 + minute);
            assert_int_equal(CALL(write_analytics, &row, 1, &error), 0);
            assert_int_equal(CALL(roll_up, STEP_1MIN, row.start_ns, &error), 0);
            assert_int_equal(CALL(roll_up, STEP_1H, DAY_START + hour * 3600 * NS_PER_S, &error), 0);
        }
    /* A step without finer rows stays as it is. */
    assert_int_equal(CALL(roll_up, STEP_1H, DAY_START + 5 * 3600 * NS_PER_S, &error), 0);
    assert_int_equal(CALL(roll_up, STEP_1D, DAY_START, &error), 0);
    struct analytics_query query = make_query("gate_a", NULL, -1);
    query.step = STEP_1H;
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 2);
    assert_same_real(list->rows[1].mean, 10.5);
    list->count = 0;
    query.step = STEP_1D;
    assert_int_equal(CALL(read_analytics, &query, collect_row, list, &error), 0);
    assert_int_equal(list->count, 1);
    assert_same_real(list->rows[0].mean, 5.5);
    assert_same_real(list->rows[0].min, -1);
    assert_same_real(list->rows[0].max, 12);
    assert_int_equal(list->rows[0].samples, 32);
    free(list);
}

static void analytics_found_and_deleted(void **state)
{
    struct error error;
    int64_t first, last;
    assert_int_equal(CALL(find_analytics, STEP_1S, 0, &first, &last, &error), ERR_NOT_FOUND);
    for (int second = 0; second < 30; second++) {
        const struct analytics_row rows[] = {make_row("gate_a", "", MEASURE_PEOPLE, second, 1),
                                             make_row("gate_b", "", MEASURE_PEOPLE, second + 5, 1)};
        assert_int_equal(CALL(write_analytics, rows, 2, &error), 0);
    }
    assert_int_equal(CALL(find_analytics, STEP_1S, DAY_START + 3 * NS_PER_S, &first, &last, &error), 0);
    assert_int_equal(first, DAY_START + 3 * NS_PER_S);
    assert_int_equal(last, DAY_START + 34 * NS_PER_S);
    assert_int_equal(CALL(find_analytics, STEP_1MIN, 0, &first, &last, &error), ERR_NOT_FOUND);

    int64_t bound = DAY_START + 10 * NS_PER_S; /* ten of gate_a, five of gate_b */
    assert_int_equal(CALL(delete_analytics, STEP_1MIN, bound, 100, &error), 0);
    assert_int_equal(CALL(delete_analytics, STEP_1S, bound, 4, &error), 4);
    assert_int_equal(CALL(delete_analytics, STEP_1S, bound, 100, &error), 11);
    assert_int_equal(CALL(delete_analytics, STEP_1S, bound, 100, &error), 0);
    assert_int_equal(CALL(find_analytics, STEP_1S, 0, &first, &last, &error), 0);
    assert_int_equal(first, bound);
}

/* ---- alerts ---- */

static struct alert_event make_event(int number, int64_t version, enum alert_event_kind kind)
{
    struct alert_event event = {
        .kind = kind,
        .version = version,
        .alert = {.measure = MEASURE_DENSITY_PEAK,
                  .level = LEVEL_HIGH,
                  .peak_level = LEVEL_CRITICAL,
                  .blind = true,
                  .value = 3.625,
                  .threshold = 3.5,
                  .raised_ns = DAY_START + number * NS_PER_S,
                  .updated_ns = DAY_START + (number + version) * NS_PER_S},
    };
    struct alert *alert = &event.alert;
    text_format(alert->alert_id, sizeof alert->alert_id, "alert-%04d", number);
    text_copy(alert->rule_id, sizeof alert->rule_id, "crowding");
    text_format(alert->stream_id, sizeof alert->stream_id, "gate_%c", 'a' + number % 2);
    text_copy(alert->zone_id, sizeof alert->zone_id, "north");
    text_copy(alert->message, sizeof alert->message, "Gedränge 'am' \"Tor\" — 3.6");
    text_copy(alert->action, sizeof alert->action, "Close gate A.");
    text_copy(alert->picture, sizeof alert->picture, "alert-0001.jpg");
    return event;
}

static void make_acknowledged(struct alert_event *event, const char *who)
{
    event->kind = ALERT_ACKNOWLEDGED_BY;
    text_copy(event->who, sizeof event->who, who);
    event->alert.state = ALERT_ACKNOWLEDGED;
    event->alert.acknowledged_ns = event->alert.updated_ns;
    text_copy(event->alert.acknowledged_by, sizeof event->alert.acknowledged_by, who);
    text_copy(event->alert.comment, sizeof event->alert.comment, "seen; team on its way");
}

static void make_resolved(struct alert_event *event)
{
    event->kind = ALERT_CLEARED;
    event->alert.state = ALERT_RESOLVED;
    event->alert.resolved_ns = event->alert.updated_ns;
    text_copy(event->alert.resolved_by, sizeof event->alert.resolved_by, "system");
    text_copy(event->alert.resolved_reason, sizeof event->alert.resolved_reason, "back below 1.7");
}

static void assert_same_alert(const struct alert *a, const struct alert *b)
{
    assert_string_equal(a->alert_id, b->alert_id);
    assert_string_equal(a->rule_id, b->rule_id);
    assert_string_equal(a->stream_id, b->stream_id);
    assert_string_equal(a->zone_id, b->zone_id);
    assert_int_equal(a->measure, b->measure);
    assert_int_equal(a->is_test, b->is_test);
    assert_int_equal(a->level, b->level);
    assert_int_equal(a->peak_level, b->peak_level);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->blind, b->blind);
    assert_same_real(a->value, b->value);
    assert_same_real(a->threshold, b->threshold);
    assert_int_equal(a->raised_ns, b->raised_ns);
    assert_int_equal(a->updated_ns, b->updated_ns);
    assert_int_equal(a->acknowledged_ns, b->acknowledged_ns);
    assert_string_equal(a->acknowledged_by, b->acknowledged_by);
    assert_int_equal(a->resolved_ns, b->resolved_ns);
    assert_string_equal(a->resolved_by, b->resolved_by);
    assert_string_equal(a->resolved_reason, b->resolved_reason);
    assert_string_equal(a->comment, b->comment);
    assert_string_equal(a->message, b->message);
    assert_string_equal(a->action, b->action);
    assert_string_equal(a->picture, b->picture);
}

struct event_list {
    size_t count;
    struct alert_event events[64];
    int64_t versions[64];
};

static int collect_event(void *user, const struct alert_event *event)
{
    struct event_list *list = user;
    assert_true(list->count < 64);
    list->events[list->count++] = *event;
    return 0;
}

static int collect_alert(void *user, const struct alert *alert, int64_t version)
{
    struct event_list *list = user;
    assert_true(list->count < 64);
    list->versions[list->count] = version;
    list->events[list->count++].alert = *alert;
    return 0;
}

static void alert_lives(void **state)
{
    struct error error;
    int64_t seq[3] = {0}, again = 0, version = 0;
    struct alert_event raised = make_event(1, 1, ALERT_RAISED);
    struct alert_event acknowledged = make_event(1, 2, ALERT_ACKNOWLEDGED_BY);
    make_acknowledged(&acknowledged, "maria");
    struct alert_event cleared = acknowledged;
    cleared.version = 3;
    cleared.who[0] = '\0';
    make_resolved(&cleared);

    assert_int_equal(CALL(write_alert_event, &raised, &seq[0], &error), 0);
    assert_int_equal(CALL(write_alert_event, &acknowledged, &seq[1], &error), 0);
    /* Once more, late and out of order: the number stays, the newer version stays. */
    assert_int_equal(CALL(write_alert_event, &raised, &again, &error), 0);
    assert_int_equal(again, seq[0]);
    assert_true(seq[0] > 0 && seq[1] > seq[0]);
    reopen(*state);
    struct alert alert;
    assert_int_equal(CALL(read_alert, "alert-0001", &alert, &version, &error), 0);
    assert_int_equal(version, 2);
    assert_same_alert(&alert, &acknowledged.alert);

    assert_int_equal(CALL(write_alert_event, &cleared, &seq[2], &error), 0);
    assert_int_equal(seq[2], seq[1] + 1); /* what came again took no number: a client would wait for it */
    assert_int_equal(CALL(read_alert, "alert-0001", &alert, NULL, &error), 0);
    assert_same_alert(&alert, &cleared.alert);
    struct event_list list = {0};
    assert_int_equal(CALL(read_alert_history, "alert-0001", collect_event, &list, &error), 0);
    assert_int_equal(list.count, 3);
    const struct alert_event *written[] = {&raised, &acknowledged, &cleared};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list.events[i].kind, written[i]->kind);
        assert_int_equal(list.events[i].seq, seq[i]);
        assert_int_equal(list.events[i].version, i + 1);
        assert_string_equal(list.events[i].who, written[i]->who);
        assert_same_alert(&list.events[i].alert, &written[i]->alert);
    }
    assert_int_equal(CALL(read_alert, "alert-9999", &alert, &version, &error), ERR_NOT_FOUND);
}

static void alert_event_refused(void **state)
{
    struct error error;
    int64_t seq;
    struct alert_event event = make_event(1, 0, ALERT_RAISED);
    assert_int_equal(CALL(write_alert_event, &event, &seq, &error), ERR_INVALID);
}

static void fill_alerts(void **state)
{
    struct error error;
    int64_t seq;
    for (int i = 0; i < 20; i++) {
        struct alert_event event = make_event(i / 2, 1, ALERT_RAISED); /* pairs with the same time */
        text_format(event.alert.alert_id, sizeof event.alert.alert_id, "alert-%04d", i);
        event.alert.level = (enum alert_level)(LEVEL_LOW + i % 4);
        if (i % 5 == 0)
            make_acknowledged(&event, "ali");
        if (i % 5 == 1)
            make_resolved(&event);
        assert_int_equal(CALL(write_alert_event, &event, &seq, &error), 0);
    }
}

static void alerts_filtered(void **state)
{
    static const struct {
        struct alert_query query;
        size_t expected;
    } cases[] = {
        {{.state = -1, .limit = 50}, 20},
        {{.state = -1, .limit = 3}, 3},
        {{.state = STORE_OPEN, .limit = 50}, 16},
        {{.state = ALERT_ACTIVE, .limit = 50}, 12},
        {{.state = ALERT_ACKNOWLEDGED, .limit = 50}, 4},
        {{.state = ALERT_RESOLVED, .limit = 50}, 4},
        {{.state = -1, .least_level = LEVEL_HIGH, .limit = 50}, 10},
        {{.state = -1, .stream_id = "gate_a", .limit = 50}, 10},
        {{.state = STORE_OPEN, .stream_id = "gate_b", .limit = 50}, 8},
        {{.state = STORE_OPEN, .stream_id = "gate_c", .limit = 50}, 0},
    };
    struct error error;
    fill_alerts(state);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_list list = {0};
        assert_int_equal(CALL(read_alerts, &cases[i].query, collect_alert, &list, &error), 0);
        assert_int_equal(list.count, cases[i].expected);
    }
}

static void alerts_paged(void **state)
{
    struct error error;
    fill_alerts(state);
    for (size_t limit = 1; limit < 8; limit++) {
        struct event_list list = {0};
        struct alert_query query = {.state = -1, .limit = limit};
        size_t before;
        do {
            before = list.count;
            assert_int_equal(CALL(read_alerts, &query, collect_alert, &list, &error), 0);
            if (list.count > 0) {
                query.before_raised_ns = list.events[list.count - 1].alert.raised_ns;
                query.before_id = list.events[list.count - 1].alert.alert_id;
            }
        } while (list.count > before);
        assert_int_equal(list.count, 20);
        for (size_t i = 1; i < list.count; i++) {
            assert_true(list.events[i - 1].alert.raised_ns >= list.events[i].alert.raised_ns);
            assert_string_not_equal(list.events[i - 1].alert.alert_id, list.events[i].alert.alert_id);
        }
    }
}

static void alert_events_replayed(void **state)
{
    struct error error;
    fill_alerts(state);
    struct event_list list = {0};
    assert_int_equal(CALL(read_alert_events, 0, 7, collect_event, &list, &error), 0);
    assert_int_equal(list.count, 7);
    assert_int_equal(CALL(read_alert_events, list.events[6].seq, 50, collect_event, &list, &error), 0);
    assert_int_equal(list.count, 20);
    for (size_t i = 1; i < 20; i++)
        assert_true(list.events[i].seq > list.events[i - 1].seq);
    int64_t last = list.events[19].seq;
    assert_int_equal(CALL(read_alert_events, last, 50, collect_event, &list, &error), 0);
    assert_int_equal(list.count, 20);
}

/* Only what is resolved goes; its numbers are never given again. */
static void alerts_deleted(void **state)
{
    struct error error;
    fill_alerts(state);
    struct event_list list = {0};
    assert_int_equal(CALL(read_alert_events, 0, 50, collect_event, &list, &error), 0);
    int64_t last = list.events[19].seq, seq;
    int64_t future = DAY_START + 3600 * NS_PER_S;
    assert_int_equal(CALL(delete_alerts, DAY_START, 50, &error), 0);
    assert_int_equal(CALL(delete_alerts, future, 3, &error), 3);
    assert_int_equal(CALL(delete_alerts, future, 3, &error), 1);
    assert_int_equal(CALL(delete_alerts, future, 3, &error), 0);
    list.count = 0;
    assert_int_equal(
        CALL(read_alerts, &(struct alert_query){.state = -1, .limit = 50}, collect_alert, &list, &error), 0);
    assert_int_equal(list.count, 16);
    list.count = 0;
    assert_int_equal(CALL(read_alert_history, "alert-0001", collect_event, &list, &error), 0);
    assert_int_equal(list.count, 0);
    reopen(*state);
    struct alert_event event = make_event(100, 1, ALERT_RAISED);
    assert_int_equal(CALL(write_alert_event, &event, &seq, &error), 0);
    assert_true(seq > last);
}

/* ---- access ---- */

static struct api_key make_key(const char *name, enum role role)
{
    struct api_key key = {.role = role, .created_ns = DAY_START};
    text_copy(key.name, sizeof key.name, name);
    text_format(key.hash, sizeof key.hash, "hash-of-%s", name);
    return key;
}

static int count_key(void *user, const struct api_key *key)
{
    int *counts = user;
    counts[0]++;
    counts[1] += key->revoked_ns != 0;
    return 0;
}

static void keys_live(void **state)
{
    struct error error;
    struct api_key maria = make_key("maria", ROLE_OPERATOR), found;
    assert_int_equal(CALL(put_key, &maria, &error), 0);
    struct api_key same_name = maria;
    text_copy(same_name.hash, sizeof same_name.hash, "another");
    assert_int_equal(CALL(put_key, &same_name, &error), ERR_EXISTS);
    assert_non_null(strstr(error.text, "maria"));
    assert_int_equal(CALL(find_key, "hash-of-maria", &found, &error), 0);
    assert_string_equal(found.name, "maria");
    assert_int_equal(found.role, ROLE_OPERATOR);
    assert_int_equal(found.created_ns, DAY_START);
    assert_int_equal(CALL(find_key, "hash-of-nobody", &found, &error), ERR_NOT_FOUND);

    struct session_row session = {
        .role = ROLE_OPERATOR, .created_ns = DAY_START, .expires_ns = DAY_START + NS_PER_S};
    text_copy(session.id_hash, sizeof session.id_hash, "session-hash");
    text_copy(session.name, sizeof session.name, "maria");
    assert_int_equal(CALL(put_session, &session, &error), 0);
    assert_int_equal(CALL(revoke_key, "maria", DAY_START + NS_PER_S, &error), 0);
    assert_int_equal(CALL(find_session, "session-hash", DAY_START, &session, &error), ERR_NOT_FOUND);
    assert_int_equal(CALL(find_key, "hash-of-maria", &found, &error), ERR_NOT_FOUND);
    assert_int_equal(CALL(revoke_key, "maria", DAY_START, &error), ERR_NOT_FOUND);
    assert_int_equal(CALL(put_key, &same_name, &error), 0); /* the name is free again */
    int counts[2] = {0};
    assert_int_equal(CALL(read_keys, count_key, counts, &error), 0);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 1);
}

static void sessions_live(void **state)
{
    struct error error;
    struct session_row session = {
        .role = ROLE_ADMIN, .created_ns = DAY_START, .expires_ns = DAY_START + 60 * NS_PER_S};
    struct session_row found;
    for (int i = 0; i < 5; i++) {
        text_format(session.id_hash, sizeof session.id_hash, "hash-%d", i);
        text_copy(session.name, sizeof session.name, "root");
        assert_int_equal(CALL(put_session, &session, &error), 0);
    }
    reopen(*state);
    assert_int_equal(CALL(find_session, "hash-3", DAY_START, &found, &error), 0);
    assert_string_equal(found.id_hash, "hash-3");
    assert_string_equal(found.name, "root");
    assert_int_equal(found.role, ROLE_ADMIN);
    assert_int_equal(found.created_ns, DAY_START);
    assert_int_equal(found.expires_ns, session.expires_ns);
    assert_int_equal(CALL(find_session, "hash-3", session.expires_ns, &found, &error), ERR_NOT_FOUND);
    assert_int_equal(CALL(delete_session, "hash-3", &error), 0);
    assert_int_equal(CALL(delete_session, "hash-3", &error), ERR_NOT_FOUND);
    assert_int_equal(CALL(find_session, "hash-3", DAY_START, &found, &error), ERR_NOT_FOUND);
    assert_int_equal(CALL(delete_sessions, session.expires_ns, 9, &error), 0);
    assert_int_equal(CALL(delete_sessions, session.expires_ns + 1, 3, &error), 3);
    assert_int_equal(CALL(delete_sessions, session.expires_ns + 1, 3, &error), 1);
}

/* ---- streams, configuration, metrics ---- */

static int join_stream(void *user, const char *stream_id, const char *json)
{
    char *text = user;
    size_t used = strlen(text);
    text_format(text + used, 256 - used, "%s=%s;", stream_id, json);
    return 0;
}

static void streams_live(void **state)
{
    struct error error;
    char text[256] = "";
    assert_int_equal(CALL(put_stream, "gate_b", "{\"uri\":\"b\"}", &error), 0);
    assert_int_equal(CALL(put_stream, "gate_a", "{}", &error), 0);
    assert_int_equal(CALL(put_stream, "gate_a", "{\"uri\":\"a'a\"}", &error), 0);
    reopen(*state);
    assert_int_equal(CALL(read_streams, join_stream, text, &error), 0);
    assert_string_equal(text, "gate_a={\"uri\":\"a'a\"};gate_b={\"uri\":\"b\"};");
    assert_int_equal(CALL(delete_stream, "gate_b", &error), 0);
    assert_int_equal(CALL(delete_stream, "gate_b", &error), ERR_NOT_FOUND);
    text[0] = '\0';
    assert_int_equal(CALL(read_streams, join_stream, text, &error), 0);
    assert_string_equal(text, "gate_a={\"uri\":\"a'a\"};");
}

static void configuration_lives(void **state)
{
    struct error error;
    char *json;
    assert_int_equal(CALL(get_configuration, "site", &json, &error), ERR_NOT_FOUND);
    assert_null(json);
    assert_int_equal(CALL(put_configuration, "site", "{}", &error), 0);
    assert_int_equal(CALL(put_configuration, "site", "{\"name\":\"Platz\"}", &error), 0);
    assert_int_equal(CALL(get_configuration, "site", &json, &error), 0);
    assert_string_equal(json, "{\"name\":\"Platz\"}");
    free(json);
}

static int sum_metric(void *user, const struct system_metric *metric)
{
    double *sum = user;
    assert_string_equal(metric->name, "cpu");
    *sum += metric->value;
    return 0;
}

static void metrics_live(void **state)
{
    struct error error;
    struct system_metric metrics[10];
    for (int i = 0; i < 10; i++) {
        metrics[i] = (struct system_metric){.time_ns = DAY_START + i * NS_PER_S, .value = i};
        text_copy(metrics[i].name, sizeof metrics[i].name, i % 2 ? "cpu" : "memory");
    }
    assert_int_equal(CALL(write_system_metrics, metrics, 10, &error), 0);
    assert_int_equal(CALL(write_system_metrics, metrics, 10, &error), 0);
    double sum = 0;
    assert_int_equal(CALL(read_system_metrics, "cpu", DAY_START + NS_PER_S, DAY_START + 7 * NS_PER_S,
                          sum_metric, &sum, &error),
                     0);
    assert_same_real(sum, 1 + 3 + 5);
    assert_int_equal(CALL(delete_system_metrics, DAY_START + 4 * NS_PER_S, 3, &error), 3);
    assert_int_equal(CALL(delete_system_metrics, DAY_START + 4 * NS_PER_S, 3, &error), 1);
    sum = 0;
    assert_int_equal(CALL(read_system_metrics, "cpu", 0, INT64_MAX, sum_metric, &sum, &error), 0);
    assert_same_real(sum, 5 + 7 + 9);
}

/* ---- all at once ---- */

struct crowd {
    struct store *store;
    atomic_bool done;
    atomic_int failures;
};

static int nothing_to_do(void *user, const struct analytics_row *row)
{
    (void)user;
    return row->samples == 8 ? 0 : ERR_INTERNAL;
}

static void *read_all_the_time(void *user)
{
    struct crowd *crowd = user;
    struct analytics_query query = make_query("gate_a", NULL, -1);
    int64_t first, last;
    struct error error;
    while (!crowd->done) {
        int code = target->kind->read_analytics(crowd->store, &query, nothing_to_do, NULL, &error);
        if (code == 0)
            code = target->kind->find_analytics(crowd->store, STEP_1S, 0, &first, &last, &error);
        if (code < 0 && code != ERR_NOT_FOUND)
            crowd->failures++;
    }
    return NULL;
}

static void *write_alerts_meanwhile(void *user)
{
    struct crowd *crowd = user;
    struct error error;
    int64_t seq;
    for (int i = 0; i < 40; i++) {
        struct alert_event event = make_event(i, 1, ALERT_RAISED);
        if (target->kind->write_alert_event(crowd->store, &event, &seq, &error) < 0)
            crowd->failures++;
    }
    return NULL;
}

static void many_threads(void **state)
{
    enum { READERS = 6 };
    struct crowd crowd = {.store = STORE(state)};
    pthread_t threads[READERS + 1];
    struct error error;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &crowd), 0);
    assert_int_equal(pthread_create(&threads[READERS], NULL, write_alerts_meanwhile, &crowd), 0);
    for (int second = 0; second < 60; second++) {
        struct analytics_row row = make_row("gate_a", "", MEASURE_PEOPLE, second, second);
        assert_int_equal(CALL(write_analytics, &row, 1, &error), 0);
    }
    pthread_join(threads[READERS], NULL);
    crowd.done = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(crowd.failures, 0);
    assert_int_equal(target->kind->ping(STORE(state), &error), 0);
}

/* A question that takes longer than it may is given up; the store goes on. */
static void time_limit_kept(void **state)
{
    struct error error;
    static struct analytics_row rows[3600];
    for (int second = 0; second < 3600; second++)
        rows[second] = make_row("gate_a", "", MEASURE_PEOPLE, second, second);
    assert_int_equal(CALL(write_analytics, rows, 3600, &error), 0);
    struct analytics_query query = make_query("gate_a", NULL, -1);
    target->kind->set_time_limit(STORE(state), 1);
    assert_int_equal(CALL(read_analytics, &query, nothing_to_do, NULL, &error), ERR_TIMEOUT);
    assert_int_equal(CALL(roll_up, STEP_1MIN, DAY_START, &error) == ERR_TIMEOUT ||
                         CALL(write_analytics, rows, 3600, &error) == ERR_TIMEOUT,
                     1);
    target->kind->set_time_limit(STORE(state), 20 * NS_PER_S);
    assert_int_equal(CALL(read_analytics, &query, nothing_to_do, NULL, &error), 0);
    assert_int_equal(CALL(write_analytics, rows, 3600, &error), 0);
}

int store_conformance_run(const char *name, const struct conformance_target *of)
{
#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(analytics_read_back),
        CASE(analytics_replaced),
        CASE(analytics_paged),
        CASE(analytics_stopped_by_reader),
        CASE(analytics_refused),
        CASE(analytics_rolled_up),
        CASE(analytics_rolled_up_to_days),
        CASE(analytics_found_and_deleted),
        CASE(alert_lives),
        CASE(alert_event_refused),
        CASE(alerts_filtered),
        CASE(alerts_paged),
        CASE(alert_events_replayed),
        CASE(alerts_deleted),
        CASE(keys_live),
        CASE(sessions_live),
        CASE(streams_live),
        CASE(configuration_lives),
        CASE(metrics_live),
        CASE(many_threads),
        CASE(time_limit_kept),
    };
    target = of;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}
