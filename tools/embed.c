/*
 * embed OUT.c SYMBOL gzip|plain DIR: writes the files under DIR as a table of `struct embedded_file`
 * (src/api/embedded.h). A missing DIR gives an empty table, so that the service builds without its dashboard.
 * OUT is touched only when it would change, so nothing is compiled in vain.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <zlib.h>

enum { FILES_MAX = 512, PATH_MAX_HERE = 1024 };

static char *files[FILES_MAX]; /* paths below DIR, with a leading slash */
static size_t file_count;

static void die(const char *what, const char *path)
{
    fprintf(stderr, "embed: %s: %s: %s\n", path, what, strerror(errno));
    exit(1);
}

static void *need(void *memory)
{
    if (memory == NULL)
        die("memory", "");
    return memory;
}

static void collect(const char *root, const char *below)
{
    char path[PATH_MAX_HERE], child[PATH_MAX_HERE];
    if (snprintf(path, sizeof path, "%s%s", root, below) >= (int)sizeof path)
        die("path is too long", root);
    DIR *dir = opendir(path);
    if (dir == NULL && errno == ENOENT && below[0] == '\0')
        return;
    if (dir == NULL)
        die("cannot open", path);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(child, sizeof child, "%s/%s", below, entry->d_name) >= (int)sizeof child ||
            snprintf(path, sizeof path, "%s%s", root, child) >= (int)sizeof path)
            die("path is too long", entry->d_name);
        struct stat info;
        if (stat(path, &info) != 0)
            die("cannot look at", path);
        if (S_ISDIR(info.st_mode)) {
            collect(root, child);
        } else if (file_count == FILES_MAX) {
            die("too many files", root);
        } else {
            files[file_count++] = need(strdup(child));
        }
    }
    closedir(dir);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static unsigned char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        die("cannot read", path);
    long length = ftell(file);
    rewind(file);
    if (length < 0)
        die("cannot read", path);
    unsigned char *bytes = need(malloc((size_t)length + 1));
    *size = fread(bytes, 1, (size_t)length, file);
    if (*size != (size_t)length)
        die("cannot read", path);
    fclose(file);
    return bytes;
}

/* gzip without a time stamp: the same file gives the same bytes. */
static unsigned char *compress_bytes(const unsigned char *bytes, size_t size, size_t *out_size)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        die("cannot compress", "");
    size_t limit = deflateBound(&stream, (uLong)size);
    unsigned char *out = need(malloc(limit));
    unsigned char *in = need(malloc(size + 1));
    memcpy(in, bytes, size);
    stream.next_in = in;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)limit;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        die("cannot compress", "");
    *out_size = stream.total_out;
    deflateEnd(&stream);
    free(in);
    return out;
}

static const char *type_of(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wav", "audio/wav"},
        {".mp3", "audio/mpeg"},
        {".ogg", "audio/ogg"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".map", "application/json"},
    };
    size_t size = strlen(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t ending = strlen(types[i].ending);
        if (size > ending && strcmp(path + size - ending, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* FNV-1a, 64 bits: enough to tell two builds of one file apart. */
static uint64_t hash_of(const unsigned char *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

static void write_file(FILE *out, FILE *table, const char *root, size_t index, int gzip)
{
    char path[PATH_MAX_HERE];
    snprintf(path, sizeof path, "%s%s", root, files[index]);
    size_t plain_size, size;
    unsigned char *plain = read_whole(path, &plain_size);
    unsigned char *bytes = gzip ? compress_bytes(plain, plain_size, &size) : plain;
    if (!gzip)
        size = plain_size;
    fprintf(out, "static const unsigned char file_%zu[] = {", index);
    for (size_t i = 0; i < size; i++)
        fprintf(out, "%s%u,", i % 32 == 0 ? "\n" : "", bytes[i]);
    fprintf(out, "0};\n");
    fprintf(table, "    {\"%s\", \"%s\", \"\\\"%016llx\\\"\", file_%zu, %zu, %zu},\n", files[index],
            type_of(files[index]), (unsigned long long)hash_of(plain, plain_size), index, size, plain_size);
    if (gzip)
        free(bytes);
    free(plain);
}

static int is_unchanged(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    fclose(file);
    size_t old_size;
    unsigned char *old = read_whole(path, &old_size);
    int same = old_size == size && memcmp(old, text, size) == 0;
    free(old);
    return same;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: embed OUT.c SYMBOL gzip|plain DIR\n");
        return 2;
    }
    collect(argv[4], "");
    qsort(files, file_count, sizeof *files, by_name);
    char *text = NULL, *rows = NULL;
    size_t size = 0, rows_size = 0;
    FILE *out = need(open_memstream(&text, &size));
    FILE *table = need(open_memstream(&rows, &rows_size));
    fprintf(out, "/* Made by tools/embed.c. */\n#include \"api/embedded.h\"\n\n");
    for (size_t i = 0; i < file_count; i++)
        write_file(out, table, argv[4], i, strcmp(argv[3], "gzip") == 0);
    fclose(table);
    fprintf(out, "\nconst struct embedded_file %s[] = {\n%s    {0},\n};\n", argv[2], rows);
    fclose(out);
    if (!is_unchanged(argv[1], text, size)) {
        FILE *file = fopen(argv[1], "wb");
        if (file == NULL || fwrite(text, 1, size, file) != size || fclose(file) != 0)
            die("cannot write", argv[1]);
    }
    free(text);
    free(rows);
    for (size_t i = 0; i < file_count; i++)
        free(files[i]);
    return 0;
}
