/* A folder of its own for a test. */
#ifndef SCI_TESTS_TEMPORARY_FOLDER_H
#define SCI_TESTS_TEMPORARY_FOLDER_H

#include <stddef.h>

/* In memory where that is possible: thousands of syncs of a disk would take seconds. 0 or -1. */
int temporary_folder_make(char *path, size_t size);
void temporary_folder_remove(const char *path); /* with all that is in it */

#endif
