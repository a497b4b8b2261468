/* Secrets: random keys, their hashes, passwords. The wrapper of libsodium. Thread-safe after `secret_init`.
 */
#ifndef SCI_BASE_SECRET_H
#define SCI_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    SECRET_KEY_BYTES = 32,
    SECRET_KEY_TEXT = 64,
    SECRET_HASH_BYTES = 32,
    SECRET_HASH_TEXT = 65,
    SECRET_PASSWORD_TEXT = 128
};

int secret_init(struct error *error); /* once, before any other call */
void secret_random(void *out, size_t size);
/* A new API key: "sci_" and 256 random bits in URL-safe base64 (47 characters and NUL). */
void secret_new_key(char out[SECRET_KEY_TEXT]);
/* Random lower-case hexadecimal text of `bytes` random bytes; out holds 2 * bytes + 1. */
void secret_random_hex(char *out, size_t bytes);
/* BLAKE2b-256 of the text, in hexadecimal: for keys, which are random and need no slow hash. */
void secret_hash_key(const char *key, char out[SECRET_HASH_TEXT]);
bool secret_equal(const char *a, const char *b); /* constant time for equal lengths */
/* Argon2id, interactive limits. ERR_NOMEM when it cannot get its memory. */
int secret_hash_password(const char *password, char out[SECRET_PASSWORD_TEXT], struct error *error);
bool secret_check_password(const char *password, const char *hash);

#endif
