#include "base/uri.h"

#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/text.h"

enum { NAME_MAX_LENGTH = 48 };
#define STARS "***"

void uri_scheme(const char *uri, char *out, size_t out_size)
{
    const char *mark = strstr(uri, "://");
    size_t n = mark ? (size_t)(mark - uri) : 0;
    if (n >= out_size || strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-") < n)
        n = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(uri[i] >= 'A' && uri[i] <= 'Z' ? uri[i] + 32 : uri[i]);
    if (out_size > 0)
        out[n] = '\0';
}

/* Vendors' names are many ("loginpas", "usr", "api_key"): a part of the name is enough. */
static bool is_secret_name(const char *name, size_t size)
{
    static const char *const parts[] = {"pass", "pwd",  "psw", "token", "secret", "auth",
                                        "cred", "user", "usr", "login", "sign",   "key"};
    static const char *const whole[] = {"u", "p", "pw", "pas", "sig", "sid", "account", "session", "code"};
    char text[NAME_MAX_LENGTH + 1];

    if (size == 0)
        return false;
    if (size > NAME_MAX_LENGTH) /* the end of it counts: "...:channel_1;password" */
        name += size - NAME_MAX_LENGTH, size = NAME_MAX_LENGTH;
    memcpy(text, name, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcasecmp(text, whole[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(text, parts[i]))
            return true;
    return false;
}

/* The value of the first parameter that is secret, between `text` and `end`; NULL when there is none. Some
 * cameras put all parameters into one piece: "channel=1_password=x_stream=0". */
static const char *find_secret(const char *text, const char *end)
{
    const char *is;
    for (; (is = memchr(text, '=', (size_t)(end - text))) != NULL; text = is + 1)
        if (is_secret_name(text, (size_t)(is - text)))
            return is + 1;
    return NULL;
}

/* Pieces of a path or a query, one after the other: what follows a secret's name goes, up to the piece's end.
 */
static void redact_parameters(const char *text, struct buffer *out)
{
    static const char separators[] = "/?&;#";
    while (*text) {
        const char *end = text + strcspn(text, separators), *secret = find_secret(text, end);
        buffer_append(out, text, (size_t)((secret ? secret : end) - text));
        if (secret)
            buffer_append_text(out, STARS);
        text = end;
        if (*text)
            buffer_append_char(out, *text++);
    }
}

/* The end of the user information (its @) in what follows "scheme://", or NULL when there is none. */
static const char *end_of_login(const char *authority)
{
    size_t size = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', size);
    /* The last @ counts: a password may hold one that is not escaped. Or a slash, a question mark. */
    if (!at && memchr(authority, ':', size))
        at = strrchr(authority, '@');
    return at;
}

char *uri_redact(const char *uri, char *out, size_t out_size)
{
    struct buffer text = {0};
    const char *mark = strstr(uri, "://");
    const char *rest = mark ? mark + 3 : uri;
    const char *at = NULL;
    if (mark)
        at = end_of_login(rest);
    else if ((at = strrchr(uri, '@')) != NULL && !memchr(uri, ':', (size_t)(at - uri)))
        at = NULL; /* an ordinary path */
    if (mark)
        buffer_append(&text, uri, (size_t)(rest - uri));
    if (at) {
        buffer_append_text(&text, STARS "@");
        rest = at + 1;
    }
    redact_parameters(rest, &text);
    text_copy(out, out_size, text.failed ? STARS : text.data ? text.data : "");
    buffer_free(&text);
    return out;
}

bool uri_is_redacted(const char *uri)
{
    return strstr(uri, STARS "@") || strstr(uri, "=" STARS);
}
