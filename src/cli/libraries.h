/* The libraries that this program runs with, by name and version. */
#ifndef SCI_CLI_LIBRARIES_H
#define SCI_CLI_LIBRARIES_H

#include <stddef.h>

enum { LIBRARY_VERSION_SIZE = 48 };

/* Entry `index`; NULL past the end. `version` receives the version that is running, not the one built with.
 */
const char *library_at(size_t index, char version[LIBRARY_VERSION_SIZE]);

#endif
