/*
 * The behaviour that every store shows, whatever it is made of: one suite, driven by its `struct store_kind`.
 * Each test gets a fresh, empty store.
 */
#ifndef SCI_TESTS_STORE_CONFORMANCE_H
#define SCI_TESTS_STORE_CONFORMANCE_H

#include <stddef.h>

#include "store/store.h"

struct conformance_target {
    const struct store_kind *kind;
    /* Names a place where `kind->open` makes a new, empty store. 0 or -1. */
    int (*make_place)(char *where, size_t size);
    void (*remove_place)(const char *where);
};

/* Runs the suite; the result of cmocka. */
int store_conformance_run(const char *name, const struct conformance_target *target);

#endif
