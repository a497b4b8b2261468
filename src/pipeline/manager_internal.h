/* What the files of the stream manager share. Nobody else includes it. */
#ifndef SCI_PIPELINE_MANAGER_INTERNAL_H
#define SCI_PIPELINE_MANAGER_INTERNAL_H

#include "pipeline/camera.h"
#include "pipeline/density_turn.h"
#include "pipeline/load.h"

struct manager {
    struct camera_shared shared; /* its lock guards all below */
    struct network *network;
    struct density_turn density;
    struct snapshot_sink sinks[MANAGER_SINKS_MAX];
    size_t sink_count;
    struct camera *cameras[MANAGER_STREAMS_MAX]; /* ordered by stream_id */
    size_t camera_count;
    pthread_cond_t idle; /* a camera is no longer served */
    bool stopping;
    struct load load;
    int64_t load_sampled_ns, next_trim_ns;
    double busy_s;      /* worker time since then */
    int64_t gone_turns; /* pictures of cameras that were removed since then */
    pthread_t *workers;
    int worker_count, workers_started;
    pthread_t watchdog;
    bool watchdog_started;
};

/* manager_work.c: a worker's thread; `manager` is the manager. */
void *manager_work(void *manager);

/* manager_load.c, all with the lock held */
enum load_level manager_level_of(const struct manager *manager, const struct camera *camera);
/* Once a second: looks at what was done and lets something give way. Lets go of the lock for a moment. */
void manager_watch_load(struct manager *manager, int64_t now_ns);
/* Gives back to the system what closed sources have freed. Lets go of the lock for a moment. */
void manager_give_memory_back(struct manager *manager, int64_t now_ns);

#endif
