/* What can decode and what can run the networks on this machine, and which of it would be used. */
#include <string.h>

#include <libavcodec/avcodec.h>

#include "base/text.h"
#include "cli/doctor.h"
#include "infer/session.h"
#include "media/hardware.h"

static void examine_codecs(struct findings *findings)
{
    static const struct {
        enum AVCodecID id;
        const char *name;
    } codecs[] = {{AV_CODEC_ID_H264, "H.264"},
                  {AV_CODEC_ID_HEVC, "HEVC"},
                  {AV_CODEC_ID_MJPEG, "MJPEG"},
                  {AV_CODEC_ID_MPEG4, "MPEG-4"}};
    char there[100] = "", missing[100] = "";
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        char *list = avcodec_find_decoder(codecs[i].id) != NULL ? there : missing;
        size_t used = strlen(list);
        text_format(list + used, sizeof there - used, "%s%s", used > 0 ? ", " : "", codecs[i].name);
    }
    findings_add(findings, missing[0] != '\0' ? FINDING_WARN : FINDING_OK, "codecs", "%s%s%s", there,
                 missing[0] != '\0' ? "; FFmpeg was built without " : "", missing);
}

/* Each device, and then the one that media.decoder leads to. */
static void examine_decoders(struct findings *findings, const struct config *config)
{
    const char *wanted = media_decoder_name(config->media.decoder);
    bool automatic = strcmp(wanted, "auto") == 0, met = strcmp(wanted, "cpu") == 0 || automatic;
    const char *chosen = "the processor";
    char why[256] = "";
    struct hardware_device device;
    for (int i = 0; hardware_look(i, &device); i++) {
        char what[80];
        bool is_wanted = automatic || strcmp(wanted, device.wanted) == 0;
        text_format(what, sizeof what, "decoder %s", device.wanted);
        findings_add(findings, FINDING_OK, what, "%s%s", device.found ? "there" : "not there: ", device.why);
        if (is_wanted && device.found && strcmp(chosen, "the processor") == 0) {
            chosen = device.name;
            met = true;
        } else if (is_wanted && !automatic) {
            text_format(why, sizeof why, "; there is no %s device: %s", device.name, device.why);
        }
    }
    findings_add(findings, met ? FINDING_OK : FINDING_WARN, "decoder", "%s decodes (media.decoder: %s)%s",
                 chosen, wanted, why);
}

static void examine_providers(struct findings *findings)
{
    static const char *const names[] = {"cuda", "tensorrt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char why[256], what[80];
        bool there = session_provider_is_there(names[i], why, sizeof why);
        text_format(what, sizeof what, "provider %s", names[i]);
        findings_add(findings, FINDING_OK, what, "%s%s", there ? "there" : "not there: ", why);
    }
}

void examine_hardware(struct findings *findings, const struct config *config)
{
    examine_codecs(findings);
    examine_decoders(findings, config);
    examine_providers(findings);
}
