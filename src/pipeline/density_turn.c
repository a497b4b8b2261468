#include "pipeline/density_turn.h"

#include "base/clock.h"
#include "pipeline/density_look.h"

static const long long NEVER = INT64_MAX;

/* When a run that began then has been paid for. */
static long long next_free(const struct density_turn *turn, int64_t begin_ns)
{
    int64_t now = clock_monotonic_ns();
    double pause = (double)(now - begin_ns) * (1 / (turn->share * turn->workers) - 1);
    return now + (pause > 0 ? (int64_t)pause : 0);
}

int density_turn_open(struct density_turn *turn, struct density_network *network, double share, int workers,
                      struct error *error)
{
    *turn = (struct density_turn){.network = network, .share = share, .workers = workers};
    bool runs = network != NULL && !density_is_head(network);
    return runs ? density_context_create(network, &turn->context, error) : 0;
}

void density_turn_close(struct density_turn *turn)
{
    density_context_destroy(&turn->context);
}

/* The result lives in the shared context: it is copied before the turn is given on. */
static int look(struct density_turn *turn, struct camera_path *path, struct network_context *pass,
                const struct observation *observation, struct error *error)
{
    const struct density_eyes eyes = {turn->network, turn->context, pass};
    struct count_reading reading;
    int rc = density_look(&eyes, path, observation->picture, &reading, error);
    return rc != 0 ? rc : camera_path_take_density(path, &reading, observation->stream_ns, error);
}

int density_turn_look(struct density_turn *turn, struct camera_path *path, struct network_context *pass,
                      const struct observation *observation, struct error *error)
{
    if (turn->network == NULL || camera_path_density_view(path) == NULL)
        return 0;
    if (density_is_head(turn->network))
        return look(turn, path, pass, observation, error);
    if (!(turn->share > 0) || !camera_path_density_due(path, observation->stream_ns))
        return 0;
    int64_t begin = clock_monotonic_ns();
    long long free_ns = atomic_load(&turn->free_ns);
    if (free_ns > begin || !atomic_compare_exchange_strong(&turn->free_ns, &free_ns, NEVER))
        return 0;
    int rc = look(turn, path, pass, observation, error);
    atomic_store(&turn->free_ns, next_free(turn, begin));
    return rc;
}
