#include "config/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static void write_place(const struct config_report *report, const struct node *node, char *out,
                        size_t out_size)
{
    if (node != NULL && node->variable != NULL) {
        text_format(out, out_size, "environment variable %s", node->variable);
    } else if (node != NULL && node->line > 0) {
        text_format(out, out_size, "%s:%u:%u", report->name, node->line, node->column);
    } else {
        text_copy(out, out_size, report->name);
    }
}

void report_add_v(struct config_report *report, const struct node *node, const char *path, const char *format,
                  va_list args)
{
    char message[ERROR_TEXT_MAX];
    (void)vsnprintf(message, sizeof message, format, args);
    size_t index = report->total++;
    if (index >= REPORT_MAX) {
        return;
    }
    struct config_problem *problem = &report->problems[index];
    problem->order = index;
    problem->line = node != NULL ? node->line : 0;
    problem->column = node != NULL ? node->column : 0;
    if (report->on_field != NULL) {
        report->on_field(report->user, path, message);
        text_format(problem->text, sizeof problem->text, "%s: %s", path[0] != '\0' ? path : report->name,
                    message);
        return;
    }
    char place[160];
    write_place(report, node, place, sizeof place);
    text_format(problem->text, sizeof problem->text, "%s: %s%s%s", place, path, path[0] != '\0' ? ": " : "",
                message);
}

static int by_place(const void *left, const void *right)
{
    const struct config_problem *a = left, *b = right;
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    if (a->column != b->column) {
        return a->column < b->column ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

int report_finish(struct config_report *report, struct buffer *out, struct error *error)
{
    size_t kept = report->total < REPORT_MAX ? report->total : REPORT_MAX;
    if (kept == 0) {
        return 0;
    }
    if (report->on_field == NULL) {
        qsort(report->problems, kept, sizeof report->problems[0], by_place);
    }
    for (size_t i = 0; i < kept && out != NULL; i++) {
        buffer_printf(out, "%s\n", report->problems[i].text);
    }
    if (report->total > kept && out != NULL) {
        buffer_printf(out, "%s: and %zu more\n", report->name, report->total - kept);
    }
    return error_set(error, ERR_INVALID, "%s", report->problems[0].text);
}
