#include "api/file_answer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/problem.h"
#include "base/text.h"

/* Digits alone; -1 for none, or more than fits. */
static int64_t parse_number(const char *text, size_t size)
{
    char digits[20];
    int64_t value;
    if (size == 0 || size >= sizeof digits || strspn(text, "0123456789") < size)
        return -1;
    memcpy(digits, text, size);
    digits[size] = '\0';
    return text_to_int64(digits, &value) ? value : -1;
}

enum range_result range_parse(const char *header, int64_t size, int64_t *first, int64_t *last)
{
    if (header == NULL || strncmp(header, "bytes=", 6) != 0)
        return RANGE_WHOLE;
    const char *begin = header + 6, *dash = strchr(begin, '-');
    if (dash == NULL)
        return RANGE_WHOLE;
    size_t before = (size_t)(dash - begin), after = strlen(dash + 1);
    int64_t a = parse_number(begin, before), b = parse_number(dash + 1, after);
    if ((before > 0 && a < 0) || (after > 0 && b < 0) || (before == 0 && after == 0) ||
        (before > 0 && after > 0 && b < a))
        return RANGE_WHOLE;
    if (before == 0) { /* the last b bytes */
        *first = b < size ? size - b : 0;
        *last = size - 1;
        return b == 0 || size == 0 ? RANGE_BEYOND : RANGE_PART;
    }
    *first = a;
    *last = after == 0 || b >= size ? size - 1 : b;
    return a >= size ? RANGE_BEYOND : RANGE_PART;
}

static void fill(struct answer *answer, int64_t size, const char *range, const char *content_type)
{
    int64_t first = 0, last = size - 1;
    enum range_result result = range_parse(range, size, &first, &last);
    answer_header(answer, "Accept-Ranges", "bytes");
    if (result == RANGE_BEYOND) {
        answer_header(answer, "Content-Range", "bytes */%lld", (long long)size);
        problem_write(answer, 416, "the file has %lld bytes", (long long)size);
        close(answer->file);
        answer->has_file = false;
        return;
    }
    if (result == RANGE_PART)
        answer_header(answer, "Content-Range", "bytes %lld-%lld/%lld", (long long)first, (long long)last,
                      (long long)size);
    answer->status = result == RANGE_PART ? 206 : 200;
    answer->content_type = content_type;
    answer->file_offset = first;
    answer->file_size = last - first + 1;
}

int file_answer(const char *path, const char *content_type, const char *range, struct answer *answer)
{
    struct stat st;
    answer->file = open(path, O_RDONLY | O_CLOEXEC);
    if (answer->file < 0)
        return ERR_NOT_FOUND;
    if (fstat(answer->file, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(answer->file);
        return ERR_NOT_FOUND;
    }
    answer->has_file = true;
    fill(answer, st.st_size, range, content_type);
    return 0;
}
