#include "media/address.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/uri.h"

enum address_type address_type(const char *uri)
{
    char scheme[16];

    uri_scheme(uri, scheme, sizeof scheme);
    if (!scheme[0] || !strcmp(scheme, "file"))
        return ADDRESS_FILE;
    if (!strcmp(scheme, "rtsp") || !strcmp(scheme, "rtsps"))
        return ADDRESS_RTSP;
    if (!strcmp(scheme, "http") || !strcmp(scheme, "https"))
        return ADDRESS_HTTP;
    if (!strcmp(scheme, "v4l2"))
        return ADDRESS_WEBCAM;
    return ADDRESS_OTHER;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int decode(const char *text, char out[ADDRESS_MAX], struct error *error)
{
    size_t n = 0;

    for (; *text; text++, n++) {
        int high, low;

        if (n + 1 >= ADDRESS_MAX)
            return error_set(error, ERR_INVALID, "the address is longer than %d characters", ADDRESS_MAX - 1);
        out[n] = *text;
        if (*text != '%')
            continue;
        high = hex_digit(text[1]);
        low = high < 0 ? -1 : hex_digit(text[2]);
        if (low < 0 || high + low == 0)
            return error_set(error, ERR_INVALID,
                             "'%%' in a file:// address is not followed by two hexadecimal digits");
        out[n] = (char)(high * 16 + low);
        text += 2;
    }
    out[n] = '\0';
    return 0;
}

static int copy(const char *text, size_t size, char out[ADDRESS_MAX], struct error *error)
{
    if (size >= ADDRESS_MAX)
        return error_set(error, ERR_INVALID, "the address is longer than %d characters", ADDRESS_MAX - 1);
    memcpy(out, text, size);
    out[size] = '\0';
    return 0;
}

int address_path(const char *uri, char out[ADDRESS_MAX], struct error *error)
{
    if (!*uri)
        return error_set(error, ERR_INVALID, "the address is empty");
    if (!text_starts_with(uri, "file://"))
        return copy(uri, strlen(uri), out, error);
    uri += strlen("file://");
    if (text_starts_with(uri, "localhost/"))
        uri += strlen("localhost");
    if (*uri != '/')
        return error_set(error, ERR_INVALID, "a file:// address has three slashes: file:///path");
    return decode(uri, out, error);
}

int address_rtsp(const char *uri, char out[ADDRESS_MAX], bool *udp, struct error *error)
{
    const char *fragment = strchr(uri, '#');

    *udp = false;
    if (fragment && !strcmp(fragment, "#udp"))
        *udp = true;
    else if (fragment && strcmp(fragment, "#tcp") != 0)
        return error_set(error, ERR_INVALID, "what follows '#' in an RTSP address is tcp or udp");
    return copy(uri, fragment ? (size_t)(fragment - uri) : strlen(uri), out, error);
}

char *address_shown(const char *uri, char out[ADDRESS_SHOWN])
{
    return uri_redact(uri, out, ADDRESS_SHOWN);
}
