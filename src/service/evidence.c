#include "service/evidence.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

/* The alert that a file belongs to. */
static bool alert_of(const char *file, char alert_id[ALERT_ID_SIZE])
{
    size_t length = strlen(file);
    if (!text_ends_with(file, ".jpg") && !text_ends_with(file, ".mp4"))
        return false;
    length -= strlen(".jpg");
    if (length == 0 || length >= ALERT_ID_SIZE)
        return false;
    memcpy(alert_id, file, length);
    alert_id[length] = '\0';
    return text_is_identifier(alert_id);
}

static bool is_young(const char *path, int64_t now_wall_ns)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return true;
    return (int64_t)st.st_mtim.tv_sec * NS_PER_S > now_wall_ns - EVIDENCE_YOUNG_NS;
}

size_t evidence_sweep(const char *folder, struct store_handle store, int64_t now_wall_ns,
                      bool (*is_open)(void *user, const char *alert_id), void *user)
{
    struct alert *alert = malloc(sizeof *alert);
    DIR *dir = alert ? opendir(folder) : NULL;
    size_t deleted = 0;
    int result = ERR_NOT_FOUND;
    for (struct dirent *e; dir && (result == 0 || result == ERR_NOT_FOUND) && (e = readdir(dir));) {
        char path[1300], alert_id[ALERT_ID_SIZE];
        int64_t version;
        path_join(path, sizeof path, folder, e->d_name);
        if (!alert_of(e->d_name, alert_id) || is_young(path, now_wall_ns) || is_open(user, alert_id))
            continue;
        result = store.kind->read_alert(store.store, alert_id, alert, &version, NULL);
        if (result == ERR_NOT_FOUND && unlink(path) == 0)
            deleted++;
    }
    if (dir)
        closedir(dir);
    free(alert);
    return deleted;
}
