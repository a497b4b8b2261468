/* What cameras' views are recognised by, kept in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "service/views.h"
#include "tools/temporary_folder.h"

struct fixture {
    char folder[256], views[300], file[400];
    struct config *config;
    struct stream_config *gate, *elsewhere; /* the same camera at another address */
    struct health_memory memory;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error error = {0};
    assert_non_null(f);
    assert_int_equal(secret_init(&error), 0);
    assert_int_equal(temporary_folder_make(f->folder, sizeof f->folder), 0);
    text_format(f->views, sizeof f->views, "%s/views", f->folder);
    text_format(f->file, sizeof f->file, "%s/gate.view", f->views);
    assert_int_equal(config_load(NULL, &f->config, NULL, &error), 0);
    f->gate = stream_config_default(f->config, "gate", "rtsp://a/1");
    f->elsewhere = stream_config_default(f->config, "gate", "rtsp://a/2");
    assert_true(f->gate && f->elsewhere);
    for (size_t i = 0; i < sizeof f->memory.view.detail; i++)
        f->memory.view.detail[i] = (uint8_t)(i * 7);
    f->memory.sharpness[3] = 0.5F;
    f->memory.edge_looks = 20;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    temporary_folder_remove(f->folder);
    stream_config_free(&f->gate);
    stream_config_free(&f->elsewhere);
    config_unref(&f->config);
    free(f);
    return 0;
}

static bool finds(struct views *views, const struct fixture *f, const struct stream_config *stream)
{
    struct health_memory memory;
    bool recent = false;
    if (!views_find(views, stream, &memory, &recent))
        return false;
    assert_true(recent);
    assert_memory_equal(&memory, &f->memory, sizeof memory);
    return true;
}

static void kept_over_a_restart(void **state)
{
    struct fixture *f = *state;
    struct views *views = views_create(f->views);
    assert_false(finds(views, f, f->gate));
    views_keep(views, f->gate, &f->memory);
    assert_true(finds(views, f, f->gate)); /* before it is written */
    assert_false(file_exists(f->file));
    views_destroy(views);
    views = views_create(f->views);
    assert_true(finds(views, f, f->gate));
    assert_false(finds(views, f, f->elsewhere));
    views_forget(views, "gate");
    assert_false(file_exists(f->file));
    assert_false(finds(views, f, f->gate));
    views_keep(views, f->gate, &f->memory);
    views_forget(views, "gate");
    views_destroy(views);
    assert_false(file_exists(f->file));
}

static void damaged_files_count_as_none(void **state)
{
    struct fixture *f = *state;
    struct views *views = views_create(f->views);
    struct buffer bytes = {0};
    struct error error = {0};
    views_keep(views, f->gate, &f->memory);
    views_write(views);
    assert_true(finds(views, f, f->gate));
    assert_int_equal(file_read(f->file, 1 << 20, &bytes, &error), 0);
    for (size_t i = 0; i < bytes.size; i += i < 200 ? 1 : 977) {
        bytes.data[i] = (char)~bytes.data[i];
        assert_int_equal(file_write_atomic(f->file, bytes.data, bytes.size, &error), 0);
        assert_false(finds(views, f, f->gate));
        bytes.data[i] = (char)~bytes.data[i];
    }
    assert_int_equal(file_write_atomic(f->file, bytes.data, bytes.size - 1, &error), 0);
    assert_false(finds(views, f, f->gate));
    assert_int_equal(file_write_atomic(f->file, bytes.data, bytes.size, &error), 0);
    assert_true(finds(views, f, f->gate));
    buffer_free(&bytes);
    views_destroy(views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_over_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_files_count_as_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
