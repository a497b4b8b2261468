/* Files: whole reads with a limit, writes that are there wholly or not at all, CRC-32. */
#ifndef SCI_BASE_FILE_H
#define SCI_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/* Appends the file's bytes; more than `limit` is ERR_FULL and leaves `out` as it was. */
int file_read(const char *path, size_t limit, struct buffer *out, struct error *error);
/* Writes a temporary file beside `path`, syncs it, renames it over `path`, syncs the folder. */
int file_write_atomic(const char *path, const void *bytes, size_t size, struct error *error);
/* mkdir -p, mode 0750. */
int file_make_dirs(const char *path, struct error *error);
bool file_exists(const char *path);
int64_t file_size(const char *path); /* -1 if there is none */
/* Free bytes for unprivileged users on the file system that holds `path`; -1 if unknown. */
int64_t file_free_bytes(const char *path);
/* "dir/name" with one slash; an absolute `name` stays as it is. */
void path_join(char *out, size_t out_size, const char *dir, const char *name);

/* CRC-32 (IEEE 802.3, reflected); start with 0, feed the result back in to go on. */
uint32_t crc32_update(uint32_t crc, const void *bytes, size_t size);

#endif
