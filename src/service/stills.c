#include "service/stills.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/text.h"
#include "service/encoders.h"

enum { QUEUE_MAX = 8 };

struct still {
    char name[128];
    struct picture *picture;
};

struct stills {
    char folder[1024];
    int quality;
    struct encoders *encoders;
    struct queue *queue;
    pthread_t thread;
};

static void free_still(void *item)
{
    struct still *still = item;
    picture_unref(&still->picture);
    free(still);
}

static void write_still(const struct stills *stills, const struct still *still)
{
    struct buffer jpeg = {0};
    struct error error;
    char path[1200];
    int width, height;
    path_join(path, sizeof path, stills->folder, still->name);
    int result =
        encoders_encode(stills->encoders, still->picture, 0, stills->quality, &jpeg, &width, &height, &error);
    if (result == 0)
        result = file_write_atomic(path, jpeg.data, jpeg.size, &error);
    if (result < 0)
        log_warning("service", "picture of an alert: %s", error.text);
    buffer_free(&jpeg);
}

static void *stills_main(void *user)
{
    struct stills *stills = user;
    for (struct still *still; (still = queue_take(stills->queue, -1));) {
        write_still(stills, still);
        free_still(still);
    }
    return NULL;
}

int stills_start(const char *folder, int quality, struct encoders *encoders, struct stills **stills,
                 struct error *error)
{
    *stills = NULL;
    int result = file_make_dirs(folder, error);
    if (result < 0)
        return result;
    struct stills *s = calloc(1, sizeof *s);
    if (s)
        s->queue = queue_create(QUEUE_MAX, free_still);
    if (!s || !s->queue) {
        free(s);
        return error_nomem(error, folder);
    }
    text_copy(s->folder, sizeof s->folder, folder);
    s->quality = quality;
    s->encoders = encoders;
    int failed = pthread_create(&s->thread, NULL, stills_main, s);
    if (failed) {
        queue_destroy(s->queue);
        free(s);
        return error_set_errno(error, failed, "cannot start the thread for alert pictures");
    }
    *stills = s;
    return 0;
}

void stills_stop(struct stills **stills)
{
    struct stills *s = *stills;
    *stills = NULL;
    if (!s)
        return;
    queue_close(s->queue);
    pthread_join(s->thread, NULL);
    queue_destroy(s->queue);
    free(s);
}

void stills_put(struct stills *stills, const char *name, struct picture *picture)
{
    struct still *still = calloc(1, sizeof *still);
    if (!still)
        return;
    text_copy(still->name, sizeof still->name, name);
    still->picture = picture_ref(picture);
    if (queue_put_newest(stills->queue, still) < 0)
        free_still(still);
}
