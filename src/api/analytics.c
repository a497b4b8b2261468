/*
 * GET /analytics/{id}: the history of a stream, its zones and lines.
 *
 * A page never ends within a step: the rows of one step (all measures of all places) are given together, and
 * the cursor is the time of the last complete step. The store is therefore asked for as many rows more than
 * the limit as one step can have.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/resources.h"
#include "base/clock.h"
#include "base/text.h"

enum { LIMIT_DEFAULT = 1000, LIMIT_MAX = 10000, STEP_ROWS_MAX = MEASURE_COUNT * (1 + ZONES_MAX + LINES_MAX) };

struct page {
    struct analytics_row *rows;
    size_t count, limit; /* room */
};

static int keep_row(void *user, const struct analytics_row *row)
{
    struct page *page = user;
    if (page->count == page->limit)
        return ERR_FULL;
    page->rows[page->count++] = *row;
    return 0;
}

static const struct {
    const char *text;
    enum aggregate_step step;
} steps[] = {{"1s", STEP_1S}, {"1m", STEP_1MIN}, {"1min", STEP_1MIN}, {"60s", STEP_1MIN},
             {"1h", STEP_1H}, {"60m", STEP_1H},  {"1d", STEP_1D},     {"24h", STEP_1D},
             {"1", STEP_1S},  {"60", STEP_1MIN}, {"3600", STEP_1H},   {"86400", STEP_1D}};

static int query_step(const struct request *request, struct answer *answer, enum aggregate_step *step)
{
    const char *text = target_query(&request->target, "step");
    *step = STEP_1MIN;
    if (text == NULL)
        return 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (strcmp(steps[i].text, text) == 0) {
            *step = steps[i].step;
            return 0;
        }
    }
    problem_add_field(answer, "step", "expected 1s, 1m, 1h or 1d");
    return ERR_INVALID;
}

static int query_measure(const struct request *request, struct answer *answer, int *measure)
{
    const char *text = target_query(&request->target, "measure");
    const struct measure_info *info = text != NULL ? measure_find(text) : NULL;
    *measure = info != NULL ? (int)info->id : -1;
    if (text == NULL || info != NULL)
        return 0;
    problem_add_field(answer, "measure", "no measure has this name; /docs lists them");
    return ERR_INVALID;
}

static int read_query(const struct request *request, struct answer *answer, struct analytics_query *query,
                      struct error *error)
{
    int64_t now = clock_wall_ns(), limit = 0;
    int rc = query_known(request, answer, error);
    rc |= query_step(request, answer, &query->step);
    rc |= query_measure(request, answer, &query->measure);
    rc |= query_int(request, answer, "limit", 1, LIMIT_MAX, LIMIT_DEFAULT, &limit);
    rc |= query_time(request, answer, "to", now, &query->to_ns);
    rc |= query_time(request, answer, "from", query->to_ns - 60 * (int64_t)query->step * NS_PER_S,
                     &query->from_ns);
    rc |= query_time(request, answer, "cursor", 0, &query->after_ns);
    if (rc == 0 && query->from_ns > query->to_ns) {
        problem_add_field(answer, "from", "must not be after 'to'");
        rc = ERR_INVALID;
    }
    query->zone_id = target_query(&request->target, "zone");
    query->stream_id = request->id;
    query->limit = (size_t)limit;
    return rc == 0 ? 0 : error_set(error, ERR_INVALID, "the query has wrong parameters");
}

static void write_row(struct json_writer *w, const struct analytics_row *row)
{
    const struct measure_info *info = measure_info(row->measure);
    bool valid = !isnan(row->mean);
    json_object_begin(w);
    json_put_time(w, "timestamp", row->start_ns);
    json_put_string(w, "zone_id", row->zone_id[0] != '\0' ? row->zone_id : NULL);
    json_put_string(w, "measure", info->name);
    json_put_string(w, "unit", info->unit);
    json_put_number(w, "mean", valid ? row->mean : NAN, info->decimals);
    json_put_number(w, "min", valid ? row->min : NAN, info->decimals);
    json_put_number(w, "max", valid ? row->max : NAN, info->decimals);
    json_put_number(w, "valid_share", row->valid_share, 3);
    json_put_int(w, "samples", row->samples);
    json_object_end(w);
}

/* How many rows of the page are given: all when the store had no more, else those of complete steps. */
static size_t page_size(const struct page *page, size_t limit, bool *more)
{
    *more = false;
    if (page->count <= limit)
        return page->count;
    size_t count = limit;
    while (count > 0 && page->rows[count - 1].start_ns == page->rows[limit].start_ns)
        count--;
    if (count == 0) {
        for (count = limit; count < page->count && page->rows[count].start_ns == page->rows[0].start_ns;)
            count++;
    }
    *more = count < page->count;
    return count;
}

static int write_page(const struct page *page, const struct analytics_query *query, size_t limit,
                      struct answer *answer, struct error *error)
{
    bool more;
    size_t count = page_size(page, limit, &more);
    char cursor[TIME_TEXT_SIZE];
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    json_put_string(&w, "stream_id", query->stream_id);
    json_put_int(&w, "step_s", (int64_t)query->step);
    json_put_time(&w, "from", query->from_ns);
    json_put_time(&w, "to", query->to_ns);
    json_key(&w, "items");
    json_array_begin(&w);
    for (size_t i = 0; i < count; i++)
        write_row(&w, &page->rows[i]);
    json_array_end(&w);
    json_put_string(&w, "next",
                    more && count > 0 ? time_format(page->rows[count - 1].start_ns, cursor) : NULL);
    json_object_end(&w);
    return answer_json(answer, 200, error);
}

/* A stream that was removed keeps its history; one that never was is not found. */
static int check_stream(struct api *api, const char *stream_id, struct error *error)
{
    struct buffer scratch = {0};
    struct json_writer w = json_writer_on(&scratch);
    int rc = api->control.ops->stream_json(api->control.self, stream_id, &w, error);
    buffer_free(&scratch);
    return rc;
}

int analytics_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    struct analytics_query query = {0};
    int rc = read_query(request, answer, &query, error);
    if (rc != 0)
        return rc;
    size_t limit = query.limit;
    query.limit = limit + STEP_ROWS_MAX;
    struct page page = {.limit = query.limit, .rows = calloc(query.limit, sizeof *page.rows)};
    if (page.rows == NULL)
        return error_nomem(error, "analytics");
    rc = api->store.kind->read_analytics(api->store.store, &query, keep_row, &page, error);
    if (rc == 0 && page.count == 0)
        rc = check_stream(api, request->id, error);
    if (rc == 0)
        rc = write_page(&page, &query, limit, answer, error);
    free(page.rows);
    return rc;
}
