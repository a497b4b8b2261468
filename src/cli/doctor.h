/* What `sci doctor` looks at. Each examination adds its findings; none changes anything on the machine but
 * for a file that is made and removed where files will have to be made. */
#ifndef SCI_CLI_DOCTOR_H
#define SCI_CLI_DOCTOR_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum finding_state { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct finding {
    enum finding_state state;
    char what[80];
    char text[400];
};

struct findings {
    struct finding *items; /* malloc'd */
    size_t count, capacity;
    size_t lost; /* for want of memory */
};

void findings_add(struct findings *findings, enum finding_state state, const char *what, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

void examine_program(struct findings *findings);
void examine_machine(struct findings *findings, const struct config *config);
/* Decoders and inference providers: what is there, and what would decode. */
void examine_hardware(struct findings *findings, const struct config *config);
void examine_model(struct findings *findings, const struct config *config);
void examine_disk(struct findings *findings, const struct config *config);
void examine_port(struct findings *findings, const struct config *config);
/* Opens every enabled stream, several at once, and waits for its first picture; at most `limit_ns` each. */
void examine_cameras(struct findings *findings, const struct config *config, int64_t limit_ns);

#endif
