/* What a segment of the spool looks like inside: records and their payloads. No files here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/file.h"
#include "store/spool_record.h"

int spool_next_record(const void *bytes, size_t size, size_t *offset, const void **payload,
                      size_t *payload_size, size_t *damaged, struct error *error)
{
    const unsigned char *at = bytes;
    if (*offset == 0) {
        if (size < SPOOL_HEADER_SIZE || memcmp(at, SPOOL_MAGIC, 8) != 0 ||
            bytes_load_u32(at + 8) != SPOOL_VERSION)
            return error_set(error, ERR_FORMAT, "no spool segment of version %d", SPOOL_VERSION);
        *offset = SPOOL_HEADER_SIZE;
    }
    while (size - *offset >= RECORD_HEADER_SIZE) {
        uint32_t length = bytes_load_u32(at + *offset);
        uint32_t crc = bytes_load_u32(at + *offset + 4);
        const unsigned char *content = at + *offset + RECORD_HEADER_SIZE;
        if (length == 0 || length > SPOOL_PAYLOAD_MAX || length > size - *offset - RECORD_HEADER_SIZE)
            return 0; /* torn */
        *offset += RECORD_HEADER_SIZE + length;
        if (crc32_update(0, content, length) == crc) {
            *payload = content;
            *payload_size = length;
            return 1;
        }
        ++*damaged;
    }
    return 0;
}

void spool_begin_record(struct buffer *out)
{
    const unsigned char header[RECORD_HEADER_SIZE] = {0};
    buffer_append(out, header, sizeof header);
}

void spool_end_record(struct buffer *out, size_t start)
{
    if (out->failed)
        return;
    const char *payload = out->data + start + RECORD_HEADER_SIZE;
    size_t size = out->size - start - RECORD_HEADER_SIZE;
    bytes_store_u32(out->data + start, (uint32_t)size);
    bytes_store_u32(out->data + start + 4, crc32_update(0, payload, size));
}

/* Measures are spooled by name: the numbers of the enum may be others after an upgrade. */
void spool_put_row(struct buffer *out, const struct analytics_row *row)
{
    bytes_put_u8(out, ENTRY_ROW);
    bytes_put_text(out, row->stream_id);
    bytes_put_text(out, row->zone_id);
    bytes_put_text(out, measure_info(row->measure)->name);
    bytes_put_u32(out, (uint32_t)row->step);
    bytes_put_i64(out, row->start_ns);
    bytes_put_f64(out, row->mean);
    bytes_put_f64(out, row->min);
    bytes_put_f64(out, row->max);
    bytes_put_f64(out, row->valid_share);
    bytes_put_i64(out, row->samples);
}

void spool_put_metric(struct buffer *out, const struct system_metric *metric)
{
    bytes_put_u8(out, ENTRY_METRIC);
    bytes_put_text(out, metric->name);
    bytes_put_i64(out, metric->time_ns);
    bytes_put_f64(out, metric->value);
}

/* false: an entry that is whole, but no row that could be stored (left out). */
static bool get_row(struct byte_reader *reader, struct analytics_row *row)
{
    char name[ID_SIZE];
    *row = (struct analytics_row){0};
    bytes_get_text(reader, row->stream_id, sizeof row->stream_id);
    bytes_get_text(reader, row->zone_id, sizeof row->zone_id);
    bytes_get_text(reader, name, sizeof name);
    row->step = (enum aggregate_step)bytes_get_u32(reader);
    row->start_ns = bytes_get_i64(reader);
    row->mean = bytes_get_f64(reader);
    row->min = bytes_get_f64(reader);
    row->max = bytes_get_f64(reader);
    row->valid_share = bytes_get_f64(reader);
    row->samples = bytes_get_i64(reader);
    const struct measure_info *info = measure_find(name);
    if (reader->failed || !info)
        return false;
    row->measure = info->id;
    return analytics_row_check(row, NULL) == 0;
}

static void get_metric(struct byte_reader *reader, struct system_metric *metric)
{
    bytes_get_text(reader, metric->name, sizeof metric->name);
    metric->time_ns = bytes_get_i64(reader);
    metric->value = bytes_get_f64(reader);
}

static void decode_entries(struct byte_reader *reader, struct spool_batch *batch)
{
    while (reader->left > 0 && !reader->failed) {
        uint8_t kind = bytes_get_u8(reader);
        if (kind == ENTRY_ROW) {
            if (get_row(reader, &batch->rows[batch->row_count]))
                batch->row_count++;
        } else if (kind == ENTRY_METRIC) {
            get_metric(reader, &batch->metrics[batch->metric_count]);
            batch->metric_count += !reader->failed;
        } else {
            reader->failed = true;
        }
    }
}

int spool_decode(const void *payload, size_t size, struct spool_batch *batch, struct error *error)
{
    struct byte_reader reader = byte_reader_on(payload, size);
    *batch = (struct spool_batch){0};
    batch->rows = malloc((size / ENTRY_ROW_LEAST + 1) * sizeof *batch->rows);
    batch->metrics = malloc((size / ENTRY_METRIC_LEAST + 1) * sizeof *batch->metrics);
    if (!batch->rows || !batch->metrics) {
        spool_batch_free(batch);
        return error_nomem(error, "spool");
    }
    decode_entries(&reader, batch);
    if (reader.failed) {
        spool_batch_free(batch);
        return error_set(error, ERR_FORMAT, "spool record: not of this version");
    }
    return 0;
}

void spool_batch_free(struct spool_batch *batch)
{
    free(batch->rows);
    free(batch->metrics);
    *batch = (struct spool_batch){0};
}
