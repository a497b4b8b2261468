/* What the tests of the configuration share. */
#ifndef SCI_TESTS_CONFIG_LOAD_H
#define SCI_TESTS_CONFIG_LOAD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"

/* The text has to be right; the caller unrefs. */
static inline struct config *load_right(const char *text)
{
    struct config *config = NULL;
    struct error error = {0};
    if (config_load_text(text, strlen(text), "t.yaml", &config, NULL, &error) != 0) {
        fail_msg("%s", error.text);
    }
    assert_non_null(config);
    return config;
}

static inline void assert_report(const char *text, const char *expected)
{
    struct config *config = NULL;
    struct buffer report = {0};
    struct error error = {0};
    int rc = config_load_text(text, strlen(text), "t.yaml", &config, &report, &error);
    assert_null(config);
    assert_true(rc == ERR_INVALID || rc == ERR_FORMAT);
    assert_non_null(report.data);
    if (strcmp(report.data, expected) != 0) {
        fail_msg("%s\ngave     %s\nexpected %s", text, report.data, expected);
    }
    assert_memory_equal(report.data, error.text, strlen(error.text));
    buffer_free(&report);
}

#endif
