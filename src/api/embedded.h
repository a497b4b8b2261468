/* Files that the build puts into the program (tools/embed.c): the dashboard, and what /openapi.json is made
 * of. */
#ifndef SCI_API_EMBEDDED_H
#define SCI_API_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *path;           /* "/app.js" */
    const char *type;           /* media type */
    const char *etag;           /* with its quotes */
    const unsigned char *bytes; /* gzipped in `dashboard_files`, plain in `asset_files` */
    size_t size;
    size_t plain_size;
};

/* Ended by a path of NULL. Empty when web/dist was not there at build time. */
extern const struct embedded_file dashboard_files[];
extern const struct embedded_file asset_files[];

#endif
