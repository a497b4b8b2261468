#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"

static int read_all(int fd, const char *path, size_t limit, struct buffer *out, struct error *error)
{
    size_t before = out->size;
    for (;;) {
        char *at = buffer_reserve(out, 65536);
        if (!at)
            return error_nomem(error, path);
        ssize_t n = read(fd, at, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(error, errno, "%s", path);
        if (n == 0)
            return 0;
        out->size += (size_t)n;
        out->data[out->size] = '\0';
        if (out->size - before > limit)
            return error_set(error, ERR_FULL, "%s: larger than %zu bytes", path, limit);
    }
}

int file_read(const char *path, size_t limit, struct buffer *out, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", path);
    size_t before = out->size;
    int result = read_all(fd, path, limit, out, error);
    close(fd);
    if (result < 0 && out->data) {
        out->size = before;
        out->data[before] = '\0';
    }
    return result;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

static void sync_folder_of(const char *path)
{
    char folder[4096];
    text_copy(folder, sizeof folder, path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

int file_write_atomic(const char *path, const void *bytes, size_t size, struct error *error)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
        return error_set(error, ERR_INVALID, "%.100s...: path too long", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", path);
    int failed = write_all(fd, bytes, size) < 0 || fchmod(fd, 0640) < 0 || fsync(fd) < 0 ? errno : 0;
    if (close(fd) < 0 && !failed)
        failed = errno;
    if (!failed && rename(temporary, path) < 0)
        failed = errno;
    if (failed) {
        unlink(temporary);
        return error_set_errno(error, failed, "%s", path);
    }
    sync_folder_of(path);
    return 0;
}

int file_make_dirs(const char *path, struct error *error)
{
    char part[4096];
    if (strlen(path) >= sizeof part)
        return error_set(error, ERR_INVALID, "%.100s...: path too long", path);
    for (size_t i = 1; i <= strlen(path); i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0750) < 0 && errno != EEXIST)
            return error_set_errno(error, errno, "cannot make the folder %s", part);
    }
    struct stat st;
    if (*path && (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)))
        return error_set(error, ERR_IO, "%s: not a folder", path);
    return 0;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

int64_t file_free_bytes(const char *path)
{
    struct statvfs fs;
    return statvfs(path, &fs) == 0 ? (int64_t)fs.f_bavail * (int64_t)fs.f_frsize : -1;
}

void path_join(char *out, size_t out_size, const char *dir, const char *name)
{
    const char *slash = dir[0] == '\0' || text_ends_with(dir, "/") ? "" : "/";
    if (name[0] == '/')
        text_copy(out, out_size, name);
    else
        text_format(out, out_size, "%s%s%s", dir, slash, name);
}

uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    const unsigned char *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        crc = nibble[crc & 15] ^ (crc >> 4);
        crc = nibble[crc & 15] ^ (crc >> 4);
    }
    return ~crc;
}
