/*
 * One process put together from a configuration: store, writer, alert engine, bus, network, cameras. It
 * starts them from the bottom up and stops them so that nothing that was measured is lost. The API server
 * stands beside it and reaches it through `service_control`.
 */
#ifndef SCI_SERVICE_SERVICE_H
#define SCI_SERVICE_SERVICE_H

#include "base/error.h"
#include "bus/bus.h"
#include "config/config.h"
#include "service/control.h"
#include "store/store.h"

struct service; /* opaque */

/* Opens everything and starts the cameras. On failure everything that was opened is closed again. */
int service_start(struct config *config, struct service **service, struct error *error);
/* At most 10 s: sources, workers, alert journal, writer (5 s, the rest goes to the spool). */
void service_stop(struct service **service);

struct control service_control(struct service *service);
struct store_handle service_store(struct service *service);
struct bus_handle service_bus(struct service *service);

#endif
