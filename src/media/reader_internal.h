/* What the files of the reader share. Nobody else includes it. */
#ifndef SCI_MEDIA_READER_INTERNAL_H
#define SCI_MEDIA_READER_INTERNAL_H

#include "media/address.h"
#include "media/catch_up.h"
#include "media/guard.h"
#include "media/hardware.h"
#include "media/reader.h"

#define READER_PIXELS_MAX "67108864" /* a larger picture is taken for an attack on memory */
enum { ARRIVALS = 256 };             /* more than a decoder keeps back */

struct reader {
    char shown[ADDRESS_SHOWN];
    enum address_type type;
    bool udp, live, stamped;
    struct guard guard;
    struct packet_tap *tap; /* once begun */
    struct hardware hardware;
    int64_t read_timeout_ns;
    const atomic_bool *vectors_wanted; /* NULL = never */
    struct vectors *vectors;           /* NULL while they are not wanted */
    int unfiltered;                    /* enum AVDiscard: pictures that the decoder does not smooth */
    struct AVIOContext *connection;    /* of HTTP; NULL otherwise */
    struct AVFormatContext *format;
    struct AVCodecContext *decoder;
    struct AVStream *stream;
    struct AVPacket *packet;
    struct frame_upright *upright;
    struct instant arrivals[ARRIVALS];
    int64_t packets, pictures; /* read, decoded */
    int64_t heard_until_us;    /* end of the latest packet of any stream */
    int64_t damaged;           /* packets and pictures with errors */
    int64_t damaged_before;    /* the last picture */
    int64_t sound;             /* pictures before the first of them */
    bool follows;              /* a camera: what is long past is not decoded */
    struct catch_up catch_up;
    bool cut;             /* there should be more */
    bool ending, flushed; /* nothing comes any more, except what the decoder holds */
    struct error end;     /* why */
};

/* reader_format.c: opens the address and finds out what is in it. */
int reader_open_format(struct reader *reader, const char *uri, struct error *error);
bool reader_format_is(const struct reader *reader, const char *name);

/* reader_decoder.c */
int reader_open_decoder(struct reader *reader, struct error *error);
/* The device does not decode any more: the processor goes on, with the next key frame. */
int reader_leave_hardware(struct reader *reader, struct error *error);
/* Gives the packet that was read to the decoder, if that is worth it; reading it took `waited_ns`. */
void reader_decode(struct reader *reader, int64_t waited_ns);
/* When the last packet of the decoded picture had been read. */
struct instant reader_arrival_of(const struct reader *reader, const struct AVFrame *frame);

/* reader_end.c */
void reader_note_damage(struct reader *reader);
/* Reading ended with FFmpeg's code `ret`: settles why, as far as that is known before the decoder is empty.
 */
void reader_end_with(struct reader *reader, int ret);
/* The decoder has given what it held: the final reason, and its code. */
int reader_ended(struct reader *reader, struct error *error);

#endif
