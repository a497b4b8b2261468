/* What sci calibrate says and writes. Everything is appended; `failed` of the buffer tells whether memory was
 * short. */
#ifndef SCI_CLI_CALIBRATE_WRITE_H
#define SCI_CLI_CALIBRATE_WRITE_H

#include "base/buffer.h"
#include "cli/calibrate_input.h"

void calibration_write_yaml(struct buffer *out, const struct calibration *calibration);
void calibration_report_text(struct buffer *out, const struct calibration *calibration);
void calibration_report_json(struct buffer *out, const struct calibration *calibration);

#endif
