#include "api/handshake.h"

#include <stdint.h>
#include <string.h>

/*
 * SHA-1 (FIPS 180-4) because RFC 6455 asks for it; it guards nothing. The input is a key of 24 characters and
 * a GUID of 36: two blocks with the padding.
 */
static uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const uint8_t block[64])
{
    uint32_t w[80];
    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (size_t i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (size_t i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                              : (b ^ c ^ d) + 0xca62c1d6u;
        uint32_t next = rotate(a, 5) + f + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

/* At most 119 bytes. */
static void sha1_short(const char *text, size_t size, uint8_t out[20])
{
    uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t blocks[128] = {0};
    memcpy(blocks, text, size);
    blocks[size] = 0x80;
    size_t count = size + 9 <= 64 ? 1 : 2;
    size_t bits = size * 8;
    blocks[count * 64 - 2] = (uint8_t)(bits >> 8);
    blocks[count * 64 - 1] = (uint8_t)bits;
    for (size_t i = 0; i < count; i++)
        sha1_block(h, blocks + 64 * i);
    for (size_t i = 0; i < 20; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void websocket_accept(const char *key, char out[WEBSOCKET_ACCEPT_TEXT])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[24 + sizeof guid];
    memcpy(text, key, 24);
    memcpy(text + 24, guid, sizeof guid);
    uint8_t digest[21] = {0};
    sha1_short(text, 24 + sizeof guid - 1, digest);
    for (size_t i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (size_t k = 0; k < 4; k++)
            out[4 * i + k] = base64[three >> (18 - 6 * k) & 63];
    }
    out[27] = '='; /* twenty bytes leave two in the last group */
    out[28] = '\0';
}

bool websocket_key_is_valid(const char *key)
{
    return key != NULL && strlen(key) == 24 && strspn(key, base64) == 22 && key[22] == '=' && key[23] == '=';
}
