/* The dashboard's files, out of the binary, with entity tags and the headers that keep strangers' scripts
 * out. */
#ifndef SCI_API_DASHBOARD_H
#define SCI_API_DASHBOARD_H

#include "api/request.h"

bool dashboard_has(
    const struct request *request); /* the root is always there, and says when there is no dashboard */
int dashboard_answer(const struct request *request, struct answer *answer, struct error *error);
/* The headers of every page of ours. */
void dashboard_put_security(struct answer *answer);

#endif
