#include "media/clip_index.h"

#include <stdlib.h>

#include <libavformat/avformat.h>

#include "base/clock.h"
#include "base/text.h"
#include "media/coded_format.h"

int clip_open_segment(const char *path, AVFormatContext **format)
{
    AVDictionary *how = NULL;
    char url[4200];
    int ret;

    text_format(url, sizeof url, "file:%s", path);
    av_dict_set(&how, "protocol_whitelist", "file", 0);
    *format = NULL;
    ret = avformat_open_input(format, url, av_find_input_format("matroska"), &how);
    av_dict_free(&how);
    if (ret >= 0 && (*format)->nb_streams != 1) {
        avformat_close_input(format);
        ret = AVERROR_INVALIDDATA;
    }
    return ret;
}

static int add_packet(struct clip_index *index, int64_t time_ns, bool key)
{
    if (index->packet_count == index->packet_capacity) {
        size_t capacity = index->packet_capacity ? 2 * index->packet_capacity : 1024;
        struct clip_packet *packets = realloc(index->packets, capacity * sizeof *packets);

        if (!packets)
            return ERR_NOMEM;
        index->packets = packets, index->packet_capacity = capacity;
    }
    index->packets[index->packet_count++] = (struct clip_packet){time_ns, key};
    return 0;
}

static int read_packets(struct clip_index *index, AVFormatContext *format, int64_t start_ns)
{
    AVPacket *packet = av_packet_alloc();
    int result = packet ? 0 : ERR_NOMEM;

    while (result == 0 && av_read_frame(format, packet) >= 0) {
        int64_t ms = packet->pts == AV_NOPTS_VALUE ? 0 : packet->pts;

        result = add_packet(index, start_ns + ms * NS_PER_MS, packet->flags & AV_PKT_FLAG_KEY);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return result;
}

static int read_segment(struct clip_index *index, const struct clip_request *request, size_t part)
{
    struct clip_segment *segment = &index->segments[index->segment_count];
    AVFormatContext *format;
    int result;

    if (clip_open_segment(request->parts[part].path, &format) < 0)
        return 0; /* deleted meanwhile, or nothing in it yet */
    *segment = (struct clip_segment){
        .part = part, .parameters = avcodec_parameters_alloc(), .first = index->packet_count};
    index->segment_count++;
    if (!segment->parameters ||
        avcodec_parameters_copy(segment->parameters, format->streams[0]->codecpar) < 0)
        result = ERR_NOMEM;
    else
        result = read_packets(index, format, request->parts[part].start_ns);
    segment->count = index->packet_count - segment->first;
    avformat_close_input(&format);
    return result;
}

int clip_index_read(struct clip_index *index, const struct clip_request *request)
{
    int result = 0;

    *index = (struct clip_index){.segments = calloc(request->part_count + 1, sizeof *index->segments)};
    if (!index->segments)
        return ERR_NOMEM;
    for (size_t i = 0; result == 0 && i < request->part_count; i++)
        result = read_segment(index, request, i);
    return result;
}

/* The last segment that begins at or before the moment, else the first. */
static size_t segment_of_moment(const struct clip_index *index, int64_t moment_ns)
{
    size_t found = 0;

    for (size_t i = 0; i < index->segment_count; i++)
        if (index->segments[i].count && index->packets[index->segments[i].first].time_ns <= moment_ns)
            found = i;
    return found;
}

bool clip_index_choose(struct clip_index *index, const struct clip_request *request)
{
    if (index->segment_count == 0)
        return false;

    size_t a = segment_of_moment(index, request->moment_ns), b = a;
    const struct clip_segment *s = index->segments;

    while (a > 0 && coded_format_equal(s[a - 1].parameters, s[b].parameters))
        a--;
    while (b + 1 < index->segment_count && coded_format_equal(s[b + 1].parameters, s[a].parameters))
        b++;

    size_t begin = s[a].first, end = s[b].first + s[b].count;

    while (begin < end && !index->packets[begin].key)
        begin++;
    for (size_t i = begin; i < end && index->packets[i].time_ns <= request->from_ns; i++)
        if (index->packets[i].key)
            begin = i;
    while (end > begin && index->packets[end - 1].time_ns > request->to_ns)
        end--;
    if (begin == end)
        return false;
    index->first = begin, index->last = end - 1;
    for (size_t i = a; i <= b; i++) {
        if (s[i].first <= index->first)
            index->first_segment = i;
        if (s[i].first <= index->last)
            index->last_segment = i;
    }
    return true;
}

void clip_index_release(struct clip_index *index)
{
    for (size_t i = 0; i < index->segment_count; i++)
        avcodec_parameters_free(&index->segments[i].parameters);
    free(index->segments);
    free(index->packets);
    *index = (struct clip_index){0};
}
