#include "base/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(SECRET_PASSWORD_TEXT >= crypto_pwhash_STRBYTES, "room for an Argon2id hash");

int secret_init(struct error *error)
{
    return sodium_init() < 0 ? error_set(error, ERR_INTERNAL, "libsodium cannot be initialised") : 0;
}

void secret_random(void *out, size_t size)
{
    randombytes_buf(out, size);
}

void secret_new_key(char out[SECRET_KEY_TEXT])
{
    unsigned char bytes[SECRET_KEY_BYTES];
    randombytes_buf(bytes, sizeof bytes);
    memcpy(out, "sci_", 4);
    sodium_bin2base64(out + 4, SECRET_KEY_TEXT - 4, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof bytes);
}

void secret_random_hex(char *out, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte;
        randombytes_buf(&byte, 1);
        sodium_bin2hex(out + 2 * i, 3, &byte, 1);
    }
}

void secret_hash_key(const char *key, char out[SECRET_HASH_TEXT])
{
    unsigned char hash[SECRET_HASH_BYTES];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)key, strlen(key), NULL, 0);
    sodium_bin2hex(out, SECRET_HASH_TEXT, hash, sizeof hash);
}

bool secret_equal(const char *a, const char *b)
{
    size_t n = strlen(a);
    return n == strlen(b) && sodium_memcmp(a, b, n) == 0;
}

int secret_hash_password(const char *password, char out[SECRET_PASSWORD_TEXT], struct error *error)
{
    if (crypto_pwhash_str(out, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
        return error_nomem(error, "password hash");
    return 0;
}

bool secret_check_password(const char *password, const char *hash)
{
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}
